//! The program as its user meets it: help, errors and exit codes of the commands that run nothing.

mod common;

use common::{condis, damaged, file, folder, good, text};
use expect_test::{Expect, expect};
use std::process::{Command, Stdio};

/// A mistake of the user's: nothing on standard output, one screen on standard error, exit code 2.
fn check_error(arguments: &[&str], expected: Expect) {
    let output = condis(arguments);
    let error = text(&output.stderr);
    assert_eq!(text(&output.stdout), "", "{error}");
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.lines().count() <= 24, "{error}");
    expected.assert_eq(&error.replace(&folder().display().to_string(), "DIR"));
}

/// The file offset of the PE signature.
fn signature(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[0x3c..0x40].try_into().expect("four bytes")) as usize
}

#[test]
fn a_missing_file() {
    check_error(
        &["inspect", "no-such-driver.sys"],
        expect![[r#"
        error: no-such-driver.sys: there is no such file
        hint: a driver is a path to a .sys file, or builtin:NAME
    "#]],
    );
}

#[test]
fn a_directory() {
    check_error(
        &["inspect", "/"],
        expect![[r#"
        error: /: this is a directory
        hint: name the .sys file in it
    "#]],
    );
}

#[test]
fn a_truncated_driver() {
    check_error(
        &["inspect", &damaged("truncated.sys", |bytes| bytes.truncate(100))],
        expect![[r#"
        error: DIR/truncated.sys: truncated: the PE header ends at file offset 152, the file has 100 bytes
        hint: condis runs x64 kernel-mode drivers (PE32+, native subsystem)
    "#]],
    );
}

#[test]
fn random_bytes() {
    let bytes: Vec<u8> = (0..4096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    check_error(
        &["inspect", &file("random.sys", &bytes)],
        expect![[r#"
        error: DIR/random.sys: not a PE file (starts with 00 bb 77 33: no format that condis knows)
        hint: condis runs x64 kernel-mode drivers (PE32+, native subsystem)
    "#]],
    );
}

#[test]
fn a_driver_for_a_32_bit_machine() {
    let path = damaged("x86.sys", |bytes| {
        let machine = signature(bytes) + 4;
        bytes[machine..machine + 2].copy_from_slice(&0x014cu16.to_le_bytes());
    });
    check_error(
        &["inspect", &path],
        expect![[r#"
        error: DIR/x86.sys: built for 32-bit x86 (machine i386); condis runs x64 drivers
        hint: condis runs x64 kernel-mode drivers (PE32+, native subsystem)
    "#]],
    );
}

#[test]
fn a_driver_for_arm64() {
    let path = damaged("arm64.sys", |bytes| {
        let machine = signature(bytes) + 4;
        bytes[machine..machine + 2].copy_from_slice(&0xaa64u16.to_le_bytes());
    });
    check_error(
        &["inspect", &path],
        expect![[r#"
        error: DIR/arm64.sys: built for ARM64; condis runs x64 drivers
        hint: condis runs x64 kernel-mode drivers (PE32+, native subsystem)
    "#]],
    );
}

#[test]
fn a_program_for_user_mode() {
    let path = damaged("console.sys", |bytes| {
        let subsystem = signature(bytes) + 24 + 68;
        bytes[subsystem..subsystem + 2].copy_from_slice(&3u16.to_le_bytes());
    });
    check_error(
        &["inspect", &path],
        expect![[r#"
        error: DIR/console.sys: not a kernel-mode driver: subsystem is WINDOWS_CUI, expected NATIVE
        hint: condis runs x64 kernel-mode drivers (PE32+, native subsystem)
    "#]],
    );
}

#[test]
fn a_rule_that_is_not_there() {
    check_error(
        &["explain", "af-close-onse"],
        expect![[r#"
        error: no rule and no function is called `af-close-onse`
        hint: did you mean af-close-once, af-close-sync-completion, af-close-on-unbind, af-close-keep-context, af-close-no-block?
    "#]],
    );
}

#[test]
fn an_area_that_is_not_there() {
    check_error(
        &["rules", "addressfamily"],
        expect![[r#"
        error: `addressfamily` is not an area; known: registration, binding, af, sap, vc, call, party, oid, data, status, tapi, kernel
    "#]],
    );
}

#[test]
fn a_run_of_nothing() {
    check_error(
        &["run"],
        expect![[r#"
        error: there is no driver to run
        hint: name a .sys file, or a scenario that does
    "#]],
    );
}

#[test]
fn a_run_of_a_missing_file() {
    check_error(
        &["run", "no-such-driver.sys"],
        expect![[r#"
        error: no-such-driver.sys: there is no such file
        hint: a driver is a path to a .sys file, or builtin:NAME
    "#]],
    );
}

#[test]
fn a_builtin_driver_that_is_not_there() {
    check_error(
        &["run", "builtin:mcn"],
        expect![[r#"
            error: no driver `builtin:mcn` comes with condis
            hint: there are client, cm, mcm, miniport, switch
        "#]],
    );
}

#[test]
fn a_scenario_that_is_not_there() {
    check_error(
        &["run", "builtin:mcm", "--scenario", "no-such.toml"],
        expect![[r#"
        error: no-such.toml: there is no such scenario
    "#]],
    );
}

#[test]
fn a_scenario_that_is_not_text() {
    check_error(
        &["run", "builtin:mcm", "--scenario", &file("binary.toml", &[0xff, 0xfe, 0])],
        expect![[r#"
        error: DIR/binary.toml: a scenario is UTF-8 text in TOML
    "#]],
    );
}

#[test]
fn a_scenario_with_an_unknown_key() {
    let path = file("key.toml", b"[ndis]\npend_open = true\n");
    check_error(
        &["run", "builtin:mcm", "--scenario", &path],
        expect![[r#"
        error: [ndis] has no key `pend_open`
         --> DIR/key.toml:2:1
          |
        2 | pend_open = true
          | ^^^^^^^^^ unknown key
          |
          = help: did you mean `pend-open`?
    "#]],
    );
}

#[test]
fn a_scenario_with_a_wrong_type() {
    let path = file("type.toml", b"processors = [2]\n");
    check_error(
        &["run", "builtin:mcm", "--scenario", &path],
        expect![[r#"
        error: an integer belongs here
         --> DIR/type.toml:1:14
          |
        1 | processors = [2]
          |              ^^^ this is an array
    "#]],
    );
}

#[test]
fn a_scenario_whose_driver_is_missing() {
    let path = file("path.toml", b"[[driver]]\nname = \"a\"\npath = \"nowhere/a.sys\"\n");
    check_error(
        &["run", "--scenario", &path],
        expect![[r#"
            error: DIR/nowhere/a.sys: there is no such file
             --> DIR/path.toml:3:8
              |
            3 | path = "nowhere/a.sys"
              |        ^^^^^^^^^^^^^^^ this driver file
              |
              = help: a path is relative to the scenario's own folder
        "#]],
    );
}

#[test]
fn a_rule_on_the_command_line_that_is_not_there() {
    check_error(
        &["run", "builtin:mcm", "--deny", "af-notify-on-hal"],
        expect![[r#"
        error: invalid value 'af-notify-on-hal' for '--deny <RULE>': no rule has this id; did you mean `af-notify-on-halt`?

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn the_same_order_many_times() {
    check_error(
        &["run", "builtin:mcm", "--executions", "5"],
        expect![[r#"
        error: the order `fifo` is always the same, so more than one execution shows nothing new
        hint: add --strategy portfolio
    "#]],
    );
}

#[test]
fn what_is_no_token() {
    check_error(
        &["replay", "gibberish", "builtin:mcm"],
        expect![[r#"
        error: `gibberish` is neither a token nor a file: a token has four parts, VERSION:DRIVERS:SCENARIO:SCHEDULE
    "#]],
    );
}

#[test]
fn a_token_of_another_version() {
    check_error(
        &["replay", "9.9.9::00000000:c1:", "builtin:mcm"],
        expect![[r#"
            error: this token cannot be replayed: the token was made by condis 9.9.9, this is 0.1.0
            hint: run again to get a token of this version
        "#]],
    );
}

#[test]
fn a_token_of_other_drivers() {
    let token = format!("{}:00000000:00000000:c1:", env!("CARGO_PKG_VERSION"));
    check_error(
        &["replay", &token, "builtin:mcm"],
        expect![[r#"
        error: this token cannot be replayed: the token is for 1 driver files, and 0 are given
        hint: give the drivers, the scenario and the options that the finding names
    "#]],
    );
    check_error(
        &["replay", &token, &good("mcm")],
        expect![[r#"
        error: this token cannot be replayed: the driver `mcm` is another build than the one the token was made with
        hint: give the drivers, the scenario and the options that the finding names
    "#]],
    );
}

#[test]
fn a_token_of_another_scenario() {
    let token = format!("{}::00000000:c1:", env!("CARGO_PKG_VERSION"));
    check_error(
        &["replay", &token, "builtin:mcm"],
        expect![[r#"
        error: this token cannot be replayed: the token was made with another scenario or other options
        hint: give the drivers, the scenario and the options that the finding names
    "#]],
    );
}

#[test]
fn a_damaged_token() {
    check_error(
        &["replay", "0.1.0::00000000:c1:AAA!", "builtin:mcm"],
        expect![[r#"
        error: `0.1.0::00000000:c1:AAA!` is neither a token nor a file: unexpected character at byte 6 of the schedule
    "#]],
    );
}

#[test]
fn the_sample_is_inspected() {
    let output = condis(&["inspect", &good("mcm")]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = text(&output.stdout);
    assert!(stdout.contains("miniport call manager (MCM)"), "{stdout}");
    assert!(stdout.contains("NdisMCmRegisterAddressFamilyEx"), "{stdout}");
}

#[test]
fn an_inspection_as_json_names_roles_and_imports() {
    let output = condis(&["inspect", &good("cm"), "--format", "json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["condis"], 1);
    assert_eq!(value["roles"], serde_json::json!(["cm"]));
    let symbols: Vec<&str> =
        value["imports"].as_array().expect("imports").iter().filter_map(|i| i["symbol"].as_str()).collect();
    assert!(symbols.contains(&"NdisCmRegisterAddressFamilyEx"), "{symbols:?}");
}

#[test]
fn rules_can_be_filtered() {
    let ids = |arguments: &[&str]| -> Vec<String> {
        let mut all = vec!["rules", "--format", "json"];
        all.extend(arguments);
        let value: serde_json::Value = serde_json::from_slice(&condis(&all).stdout).expect("JSON");
        value["rules"]
            .as_array()
            .expect("rules")
            .iter()
            .map(|r| r["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let all = ids(&["af"]);
    let (enforced, waiting, unseen) =
        (ids(&["af", "--enforced"]), ids(&["af", "--waiting"]), ids(&["af", "--unseen"]));
    assert_eq!(all.len(), enforced.len() + waiting.len() + unseen.len());
    assert!(enforced.contains(&"af-close-once".to_owned()));
    assert!(ids(&["af", "--role", "client"]).len() < all.len());
}

#[test]
fn a_rule_as_json_has_its_page() {
    let output = condis(&["explain", "af-close-once", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["id"], "af-close-once");
    assert!(value["pages"][0].as_str().expect("a page").starts_with("https://learn.microsoft.com/"));
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_condis"))
        .args(["rules"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn colours_are_asked_for() {
    let plain = condis(&["explain", "af-close-once"]);
    assert!(!plain.stdout.contains(&0x1b));
    let coloured = condis(&["explain", "af-close-once", "--color", "always"]);
    assert!(coloured.stdout.contains(&0x1b));
}

#[test]
fn every_command_has_help_with_examples() {
    let help = condis(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let all = text(&help.stdout);
    assert!(all.contains("Exit codes:"), "{all}");
    for command in ["run", "replay", "inspect", "rules", "explain"] {
        assert!(all.contains(&format!("  {command}")), "{all}");
        let help = condis(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0));
        assert!(text(&help.stdout).contains("Examples:"), "{command}");
    }
}

#[test]
fn a_word_that_is_no_command() {
    let output = condis(&["inspct", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("inspect"));
}

#[test]
fn a_rule_with_two_levels_on_the_command_line() {
    check_error(
        &["run", "builtin:mcm", "--allow", "af-close-once", "--deny", "af-close-once"],
        expect![[r#"
            error: rule `af-close-once` has two levels
            hint: give one of --allow, --warn and --deny for a rule
        "#]],
    );
}

#[test]
fn a_long_token_does_not_fill_the_screen() {
    let token = format!("0.1.0::00000000:c1:{}!", "A".repeat(4000));
    let output = condis(&["replay", &token, "builtin:mcm"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.len() < 300, "{}", text(&output.stderr));
}

#[test]
fn an_open_question_is_explained() {
    let output = condis(&["explain", "af-q-mcm-notify-at-halt", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["id"], "af-q-mcm-notify-at-halt");
    assert!(value["rules"].as_array().expect("rules").contains(&"af-notify-on-halt".into()), "{value}");
    let output = condis(&["explain", "af-q-mcm-notify-at-halt"]);
    assert!(text(&output.stdout).contains("af-notify-on-halt"));
}

#[test]
fn help_that_cannot_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    for arguments in [&["--help"][..], &["rules"]] {
        let status = Command::new(env!("CARGO_BIN_EXE_condis"))
            .args(arguments)
            .stdout(full.try_clone().expect("a handle"))
            .stderr(Stdio::null())
            .status()
            .expect("the program starts");
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
}
