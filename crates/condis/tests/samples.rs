//! The sample drivers, run by the program: each faulty one names its rule and nothing else, and can be replayed; each
//! correct one is silent in every behaviour and many orders.

mod common;

use common::{condis, file, folders_with, good, json, samples, text};
use serde_json::Value;
use std::path::Path;

/// What `expect.toml` beside a faulty sample says.
struct Expectation {
    rule: String,
    level: String,
    exit: i32,
    arguments: Vec<String>,
}

impl Expectation {
    fn read(folder: &Path) -> Expectation {
        let content = std::fs::read_to_string(folder.join("expect.toml")).expect("a file");
        let table: toml::Table = content.parse().expect("TOML");
        let word = |key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let mut arguments = vec![driver(folder)];
        if let Some(scenario) = word("scenario") {
            arguments.extend(["--scenario".to_owned(), folder.join(scenario).display().to_string()]);
        }
        if let Some(more) = table.get("args").and_then(toml::Value::as_array) {
            arguments.extend(more.iter().map(|word| word.as_str().expect("a word").to_owned()));
        }
        Expectation {
            rule: word("rule").expect("a rule"),
            level: word("level").expect("a level"),
            exit: table["exit"].as_integer().expect("an exit code") as i32,
            arguments,
        }
    }
}

/// The driver in a sample's folder.
fn driver(folder: &Path) -> String {
    let name = folder.file_name().expect("a folder has a name");
    folder.join(name).with_extension("sys").display().to_string()
}

fn run(command: &str, arguments: &[String], more: &[&str]) -> (Option<i32>, Value) {
    let mut words = vec![command];
    words.extend(arguments.iter().map(String::as_str));
    words.extend(["--format", "json"]);
    words.extend(more);
    let output = condis(&words);
    (output.status.code(), json(&output))
}

#[test]
fn each_faulty_sample_names_its_rule_and_nothing_else_and_can_be_replayed() {
    let folders = folders_with(&samples().join("bad"), "expect.toml");
    assert!(folders.len() >= 25, "{} faulty samples", folders.len());
    let mut wrong = Vec::new();
    for folder in folders {
        let expectation = Expectation::read(&folder);
        let (code, value) = run("run", &expectation.arguments, &[]);
        let findings = value["findings"].as_array().expect("findings");
        let found: Vec<String> = findings
            .iter()
            .map(|finding| format!("{} {}", finding["level"], finding["id"]).replace('"', ""))
            .collect();
        let expected = format!("{} {}", expectation.level, expectation.rule);
        if found != [expected.clone()] || code != Some(expectation.exit) {
            wrong.push(format!("{}: {code:?} {found:?}, expected {expected}", folder.display()));
            continue;
        }
        let token = findings[0]["token"].as_str().expect("a token").to_owned();
        let mut again = vec![token];
        again.extend(expectation.arguments);
        let (_, replayed) = run("replay", &again, &[]);
        assert_eq!(replayed["trace"], value["trace"], "{}", folder.display());
        assert_eq!(replayed["findings"], value["findings"], "{}", folder.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A scenario with registry values for the drivers of the command line, in their order.
fn behaviour(name: &str, drivers: &[(&str, &str)]) -> String {
    let entry = |(name, registry): &(&str, &str)| {
        format!("[[driver]]\nname = \"{name}\"\nregistry = {{ {registry} }}\n")
    };
    file(name, drivers.iter().map(entry).collect::<String>().as_bytes())
}

/// Runs drivers that are correct: no finding in any order.
fn silent(drivers: &[&str], more: &[&str]) {
    for order in [&["--stop-order", "strict"], &["--stop-order", "overlapped"]] {
        let mut words = vec!["run"];
        words.extend(drivers);
        words.extend(more);
        words.extend(order);
        words.extend(["--strategy", "random", "--executions", "300", "--seed", "7"]);
        let output = condis(&words);
        let stdout = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{words:?}\n{stdout}{}", text(&output.stderr));
        assert!(stdout.ends_with("300 executions: no findings\n"), "{words:?}\n{stdout}");
    }
}

#[test]
fn correct_samples_are_silent_together_and_alone() {
    let [mcm, cm, miniport, client] = ["mcm", "cm", "miniport", "client"].map(good);
    silent(&[&mcm], &[]);
    silent(&[&cm], &[]);
    silent(&[&client], &[]);
    silent(&[&miniport], &[]);
    silent(&[&mcm, &client], &[]);
    silent(&[&cm, &miniport, &client], &[]);
}

#[test]
fn an_mcm_is_silent_however_it_answers() {
    for open in 0..=5 {
        for close in [0, 1, 2, 5, 6] {
            let registry =
                format!("OpenAf = {open}, CloseAf = {close}, Pause = {}, Restart = {}", open % 3, close % 3);
            let scenario = behaviour(&format!("mcm-{open}-{close}.toml"), &[("mcm", &registry)]);
            silent(&[&good("mcm")], &["--scenario", &scenario]);
        }
    }
}

#[test]
fn a_call_manager_and_a_client_are_silent_however_they_answer() {
    let drivers = [good("cm"), good("client"), good("miniport")];
    let drivers: Vec<&str> = drivers.iter().map(String::as_str).collect();
    for (open, close) in [(0, 0), (1, 1), (2, 2), (5, 5), (1, 6)] {
        for notify in 0..=3 {
            let cm = format!("OpenAf = {open}, CloseAf = {close}");
            let client = format!(
                "NotifyCloseAf = {notify}, UnbindAdapter = {}, BindAdapter = {}",
                notify % 2,
                open % 2
            );
            let name = format!("cm-{open}-{close}-{notify}.toml");
            let scenario = behaviour(&name, &[("cm", &cm), ("client", &client)]);
            silent(&drivers, &["--scenario", &scenario]);
        }
    }
}

/// The handshake in both variants, with everything pended, line by line.
#[test]
fn the_trace_of_an_mcm_shows_both_variants_of_the_close() {
    let scenario = file(
        "both-variants.toml",
        br#"
        [[driver]]
        name = "mcm"
        registry = { OpenAf = 1, CloseAf = 1 }

        [[expect]]
        lines = [
            "client NdisClCloseAddressFamily(af1)",
            "mcm ProtocolCmCloseAf(*)",
            "mcm ProtocolCmCloseAf = NDIS_STATUS_PENDING",
            "client NdisClCloseAddressFamily = NDIS_STATUS_PENDING",
            "mcm NdisCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, cmaf1)",
            "client ProtocolClCloseAfComplete(NDIS_STATUS_SUCCESS, *)",
        ]

        [[expect]]
        lines = [
            "mcm NdisCmNotifyCloseAddressFamily(cmaf2)",
            "client ProtocolClNotifyCloseAf(*)",
            "client NdisClCloseAddressFamily(af2)",
            "client ProtocolClNotifyCloseAf = NDIS_STATUS_PENDING",
            "mcm NdisCmNotifyCloseAddressFamily = NDIS_STATUS_PENDING",
            "client NdisClNotifyCloseAddressFamilyComplete(af2, NDIS_STATUS_SUCCESS)",
            "mcm ProtocolCmNotifyCloseAfComplete(*, NDIS_STATUS_SUCCESS)",
        ]
        "#,
    );
    let output = condis(&["run", &good("mcm"), "--scenario", &scenario]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.ends_with("1 execution: no findings\n"), "{stdout}");
}

#[test]
fn a_failed_expectation_is_a_finding() {
    let scenario = file("unmet.toml", b"[[expect]]\nline = \"client ProtocolCmOpenAf*\"\n");
    let (code, value) = run("run", &[good("mcm")], &["--scenario", &scenario, "--trace", "never"]);
    assert_eq!(code, Some(1));
    assert_eq!(value["findings"][0]["id"], "expectation");
    assert_eq!(value["trace"], Value::Null);
}

/// The MCM sample, which imports a routine under a name that nobody has.
fn lacking() -> String {
    common::damaged("lacking.sys", |bytes| {
        let name = b"NdisReadConfiguration\0";
        let at = bytes.windows(name.len()).position(|window| window == name).expect("the import");
        bytes[at + 4..at + 8].copy_from_slice(b"Bead");
    })
}

#[test]
fn an_import_that_is_lacking_is_listed_before_and_ends_the_run_by_name() {
    let path = lacking();
    let inspected = condis(&["inspect", &path]);
    let stdout = text(&inspected.stdout);
    assert_eq!(inspected.status.code(), Some(0));
    assert!(stdout.contains("lacks NdisBeadConfiguration"), "{stdout}");
    let (code, value) = run("run", &[path], &[]);
    assert_eq!(code, Some(3));
    let reason = value["unjudged"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("NDIS.SYS!NdisBeadConfiguration"), "{reason}");
}

#[test]
fn levels_change_what_is_shown_and_the_exit_code() {
    let folder = samples().join("bad/af-cm-close-complete-required/never");
    let path = driver(&folder);
    let rule = "af-cm-close-complete-required";
    let code = |more: &[&str]| run("run", std::slice::from_ref(&path), more).0;
    assert_eq!(code(&[]), Some(1));
    assert_eq!(code(&["--allow", rule]), Some(0));
    let (warned, value) = run("run", std::slice::from_ref(&path), &["--warn", rule]);
    assert_eq!((warned, &value["findings"][0]["level"]), (Some(1), &Value::from("warning")));
}

#[test]
fn a_run_in_json_can_be_replayed_from_its_file() {
    let folder = samples().join("bad/af-cm-close-complete-pending-only/twice");
    let (_, value) =
        run("run", &[driver(&folder)], &["--strategy", "random", "--seed", "3", "--executions", "20"]);
    let saved = file("run.json", value.to_string().as_bytes());
    let (code, replayed) = run("replay", &[saved, driver(&folder)], &[]);
    assert_eq!(code, Some(1));
    assert_eq!(replayed["findings"][0]["id"], value["findings"][0]["id"]);
    assert_eq!(replayed["findings"][0]["lines"], value["findings"][0]["lines"]);
}

#[test]
fn a_finding_as_text_tells_rule_page_objects_and_how_to_see_it_again() {
    let folder = samples().join("bad/af-cm-close-complete-pending-only/twice");
    let output = condis(&["run", &driver(&folder), "--trace", "never"]);
    let stdout = text(&output.stdout);
    for part in [
        "error[af-cm-close-complete-pending-only]: twice: af1: completed a second time",
        "--> twice.sys+0x",
        "= page: https://learn.microsoft.com/",
        ":: objects:",
        "af1: none -> opening",
        ":: trace, cut to these objects:",
        "condis replay ",
    ] {
        assert!(stdout.contains(part), "{part}\n{stdout}");
    }
}

/// One of the test drivers of `host` that does what its number says.
fn fault(number: u32, more: &[&str]) -> (Option<i32>, String) {
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/tests/drivers/faults.sys");
    let scenario = behaviour(&format!("fault-{number}.toml"), &[("faults", &format!("Fault = {number}"))]);
    let mut words = vec!["run", driver, "--scenario", &scenario, "--trace", "never"];
    words.extend(more);
    let output = condis(&words);
    (output.status.code(), text(&output.stdout))
}

#[test]
fn a_driver_that_does_not_register_is_not_exercised() {
    let (code, stdout) = fault(0, &[]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("not exercised: faults never registered with NDIS\n"), "{stdout}");
    assert!(stdout.contains("not exercised: no address family was opened\n"), "{stdout}");
}

#[test]
fn a_loop_that_calls_nothing_is_not_judged() {
    let (code, stdout) = fault(18, &[]);
    assert_eq!(code, Some(3), "{stdout}");
    assert!(stdout.contains("could not judge: faults ran too long at faults.sys+0x"), "{stdout}");
    assert!(stdout.contains("(DriverEntry, "), "{stdout}");
}

#[test]
fn a_crash_says_what_and_where() {
    for (number, part) in [
        (8, "an entry was removed twice, at faults.sys+0x"),
        (12, "calls or jumps to NULL\n"),
        (19, "calls KeBugCheckEx with code 0xe2, at faults.sys+0x"),
        (44, "has written to a block after freeing it, address 0x"),
    ] {
        let (code, stdout) = fault(number, &[]);
        assert_eq!(code, Some(1), "{stdout}");
        let head = stdout.lines().find(|line| line.starts_with("error[")).expect("a finding");
        assert!(format!("{head}\n").contains(part), "{head}");
        assert!(!head.contains("NULL + "), "{head}");
    }
}

#[test]
fn a_call_of_the_kernel_that_breaks_a_rule_is_named_with_its_place() {
    let (code, stdout) = fault(21, &[]);
    assert_eq!(code, Some(1), "{stdout}");
    let head = "error[kernel-pool-invalid-free]: faults: frees a block a second time (in NdisFreeMemory)\n";
    assert!(stdout.contains(head), "{stdout}");
    assert!(stdout.contains("(DriverEntry, ./crates/host/tests/drivers/faults.c:"), "{stdout}");
}

#[test]
fn a_limit_says_what_it_is_and_how_it_is_changed() {
    let scenario = file("few-steps.toml", b"[limits]\nsteps = 10\n");
    let output = condis(&["run", &good("mcm"), "--scenario", &scenario]);
    assert_eq!(output.status.code(), Some(3));
    let stdout = text(&output.stdout);
    assert!(
        stdout.contains("it reached the limit of 10 scheduling points ([limits] steps of a scenario)"),
        "{stdout}"
    );
}

/// Sends a signal to a long campaign that has run for a while, and gives what comes of it.
fn interrupted(arguments: &[&str]) -> (Option<i32>, String) {
    use std::process::{Command, Stdio};
    let mut words = vec!["run"];
    words.extend(arguments);
    words.extend(["--strategy", "random", "--executions", "100000000"]);
    let child = Command::new(env!("CARGO_BIN_EXE_condis"))
        .args(words)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    std::thread::sleep(std::time::Duration::from_secs(2));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("a signal");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), text(&output.stdout))
}

#[test]
fn an_interrupted_campaign_prints_what_it_has_found() {
    let (code, stdout) = interrupted(&[&good("mcm")]);
    assert_eq!(code, Some(130), "{stdout}");
    assert!(stdout.contains("interrupted: "), "{stdout}");
    assert!(stdout.ends_with(" executions: no findings\n"), "{stdout}");
    let faulty = driver(&samples().join("bad/af-cm-close-complete-pending-only/twice"));
    let (code, stdout) = interrupted(&[&faulty]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains("error[af-cm-close-complete-pending-only]: "), "{stdout}");
}
