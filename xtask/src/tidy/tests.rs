//! Every check holds for the project, and finds what breaks it in small projects that do.

use std::collections::BTreeMap;

use super::tree::Tree;
use super::{CHECKS, Check};

fn find(name: &str) -> &'static Check {
    CHECKS.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name} is in CHECKS"))
}

/// One test per check, of the same name.
macro_rules! on_the_project {
    ($($name:ident,)+) => {
        $(
            #[test]
            fn $name() {
                let tree = Tree::read(&crate::project_root()).unwrap_or_else(|error| panic!("{error}"));
                let mut problems = (find(stringify!($name)).run)(&tree);
                problems.sort();
                let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
                assert!(lines.is_empty(), "{} places:{}", lines.len(), lines.concat());
            }
        )+

        #[test]
        fn every_check_is_a_test() {
            let tests = [$(stringify!($name)),+];
            let checks: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
            assert_eq!(tests[..], checks[..]);
        }
    };
}

on_the_project! {
    dependencies_point_one_way,
    the_core_has_no_standard_library,
    unsafe_code_stays_in_its_files,
    effects_stay_at_the_edge,
    nothing_depends_on_chance,
    only_the_loop_runs_driver_code,
    step_is_the_only_way_in,
    every_enforced_rule_is_raised_once_and_tested,
    no_other_rule_is_raised,
    nothing_is_left_for_later,
    lines_are_plain,
    no_path_of_a_machine,
    packages_come_from_one_registry,
    files_begin_with_what_they_are,
    files_fit_in_a_head,
    binaries_have_their_places,
    crates_are_described,
    invariants_have_checks,
    links_lead_somewhere,
    commands_are_named,
    first_commands_are_run,
}

/// Where the check `name` finds something in a project made of `files`: `path` or `path:line`.
fn found(name: &str, files: &[(&str, &str)]) -> Vec<String> {
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(path, text)| (path.to_string(), text.as_bytes().to_vec())).collect();
    let mut problems = (find(name).run)(&Tree::new(files));
    problems.sort();
    problems
        .into_iter()
        .map(|problem| match problem.line {
            0 => problem.path,
            line => format!("{}:{line}", problem.path),
        })
        .collect()
}

#[test]
fn a_dependency_that_points_upwards_is_found() {
    let ours = [
        ("crates/model/Cargo.toml", "[dependencies]\ncontract.workspace = true\nserde = \"1\"\n"),
        (
            "crates/engine/Cargo.toml",
            "[dependencies]\nmodel = { path = \"../model\" }\n\nhost.workspace = true\n",
        ),
        ("crates/contract/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nmodel.workspace = true\n"),
        (
            "crates/host/Cargo.toml",
            "[dependencies]\nlibc = \"1\"\n\n[dev-dependencies]\nverify.workspace = true\n",
        ),
    ];
    let places = ["crates/contract/Cargo.toml:2", "crates/engine/Cargo.toml:4", "crates/model/Cargo.toml:3"];
    assert_eq!(found("dependencies_point_one_way", &ours), places);
}

#[test]
fn a_crate_that_nobody_placed_is_found() {
    let files = [("crates/newcomer/Cargo.toml", "[dependencies]\n")];
    assert_eq!(found("dependencies_point_one_way", &files), ["crates/newcomer/Cargo.toml"]);
}

#[test]
fn the_standard_library_in_the_core_is_found_outside_tests() {
    let files = [
        ("crates/model/src/lib.rs", "#![no_std]\nuse std::vec::Vec;\n#[cfg(test)]\nmod tests;\n"),
        ("crates/model/src/tests.rs", "use std::vec::Vec;\n"),
        ("crates/verify/src/lib.rs", "//! std::vec\n#[cfg(test)]\nextern crate std;\n"),
    ];
    let places = ["crates/model/src/lib.rs:2", "crates/verify/src/lib.rs:1"];
    assert_eq!(found("the_core_has_no_standard_library", &files), places);
}

#[test]
fn unsafe_code_out_of_its_place_is_found() {
    let files = [
        ("crates/pe/src/lib.rs", "// unsafe\nfn f() {\n    unsafe {}\n}\n"),
        ("crates/host/src/lib.rs", "unsafe fn f() {}\n"),
        ("crates/engine/src/arena.rs", "unsafe fn f() {}\n"),
        ("crates/engine/src/task.rs", "unsafe fn f() {}\n"),
        ("crates/report/src/lib.rs", "#![forbid(unsafe_code)]\nconst WORD: &str = \"unsafe\";\n"),
    ];
    let places = ["crates/engine/src/task.rs:1", "crates/pe/src/lib.rs:1", "crates/pe/src/lib.rs:3"];
    assert_eq!(found("unsafe_code_stays_in_its_files", &files), places);
}

#[test]
fn effects_out_of_their_place_are_found() {
    let files = [
        ("crates/report/src/lib.rs", "use std::fs;\nuse std::{env, fmt};\nuse std::fmt::Write;\n"),
        ("crates/condis/src/source.rs", "use std::fs;\nfn f() {\n    println!();\n}\n"),
        ("crates/condis/src/output.rs", "fn f() {\n    println!();\n}\n"),
        ("crates/host/benches/native.rs", "fn f() {\n    println!();\n}\n"),
        ("crates/pe/tests/errors.rs", "use std::fs;\n"),
    ];
    let places =
        ["crates/condis/src/source.rs:3", "crates/report/src/lib.rs:1", "crates/report/src/lib.rs:2"];
    assert_eq!(found("effects_stay_at_the_edge", &files), places);
}

#[test]
fn chance_is_found_where_executions_run() {
    let files = [
        ("crates/engine/src/lib.rs", "use std::collections::HashMap;\nuse std::time::Instant;\n"),
        ("crates/condis/src/lib.rs", "use std::time::Instant;\n"),
    ];
    let places = ["crates/engine/src/lib.rs:1", "crates/engine/src/lib.rs:2"];
    assert_eq!(found("nothing_depends_on_chance", &files), places);
}

#[test]
fn driver_code_run_outside_the_loop_is_found() {
    let files = [
        ("crates/engine/src/call.rs", "fn f() {\n    code.handle(&callback);\n}\n"),
        ("crates/engine/src/task.rs", "fn f() {\n    code\n        .routine(routine);\n}\n"),
    ];
    assert_eq!(found("only_the_loop_runs_driver_code", &files), ["crates/engine/src/task.rs:3"]);
}

#[test]
fn a_second_way_into_the_world_is_found() {
    let world = "impl World {\n    pub fn step(&mut self) {}\n    pub fn jobs(&self) {}\n    fn own(&mut self) {}\n}\n\
                 impl Task {\n    pub fn child(&mut self) {}\n}\n\
                 impl World {\n    pub fn reset(&mut self) {}\n}\n";
    assert_eq!(
        found("step_is_the_only_way_in", &[("crates/model/src/lib.rs", world)]),
        ["crates/model/src/lib.rs:10"]
    );
}

/// A contract of two enforced rules and one that waits.
const RULES: &str = "
[[ddi]]
name = \"NdisOpen\"
kind = \"function\"

[[rule]]
id = \"af-open-once\"
area = \"af\"
binds = [\"client\"]
detect = \"runtime-safety\"
ddis = []

[[rule]]
id = \"af-irql\"
area = \"af\"
binds = [\"client\"]
detect = \"irql\"
ddis = [\"NdisOpen\"]

[[rule]]
id = \"af-later\"
area = \"af\"
binds = [\"client\"]
detect = \"argument\"
ddis = []

[[rule]]
id = \"af-ndis\"
area = \"af\"
binds = [\"ndis\"]
detect = \"argument\"
ddis = []
";
const WAITS: &str = "[[rule]]\nid = \"af-later\"\n";
const SCRIPT: &str = "--- breaks (error): twice\nx\n--- almost: once\ny\n";

/// A project whose rules are in order, with one file replaced by `text`.
fn rules_with(path: &str, text: &str) -> Vec<(String, String)> {
    let raise = "fn f() {\n    raise(Rule::AfOpenOnce);\n}\n#[cfg(test)]\nmod tests {\n    const R: Rule = Rule::AfLater;\n}\n";
    let table = "fn f() {\n    is(Detect::Irql);\n    if rule == Rule::AfOpenOnce {}\n    Rule::AfOpenOnce.info();\n}\n";
    let mut files: BTreeMap<String, String> = [
        ("contract/af.toml", RULES),
        ("contract/enforcement.toml", WAITS),
        ("crates/model/src/af.rs", raise),
        ("crates/verify/src/irql.rs", table),
        ("tests/rules/af/af-open-once.condis", SCRIPT),
        ("tests/rules/af/af-irql.condis", SCRIPT),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_string(), text.to_string()))
    .collect();
    files.insert(path.to_string(), text.to_string());
    files.into_iter().collect()
}

fn rules_found(check: &str, path: &str, text: &str) -> Vec<String> {
    let files = rules_with(path, text);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    found(check, &files)
}

#[test]
fn rules_in_order_are_silent() {
    let nothing: [&str; 0] = [];
    for check in ["every_enforced_rule_is_raised_once_and_tested", "no_other_rule_is_raised"] {
        assert_eq!(rules_found(check, "README.md", ""), nothing);
    }
}

#[test]
fn a_rule_that_is_not_raised_is_found() {
    let check = "every_enforced_rule_is_raised_once_and_tested";
    assert_eq!(
        rules_found(check, "crates/model/src/af.rs", "// Rule::AfOpenOnce\n"),
        ["contract: af-open-once"]
    );
    assert_eq!(rules_found(check, "crates/verify/src/irql.rs", ""), ["contract: af-irql"]);
}

#[test]
fn a_rule_that_is_raised_in_two_places_is_found() {
    let check = "every_enforced_rule_is_raised_once_and_tested";
    let second = "fn f() {\n    raise(Rule::AfOpenOnce);\n}\n";
    assert_eq!(rules_found(check, "crates/host/src/exports.rs", second), ["contract: af-open-once"]);
    let nothing: [&str; 0] = [];
    assert_eq!(rules_found(check, "crates/model/src/af/open.rs", second), nothing, "the same area");
}

#[test]
fn a_rule_without_both_scripts_is_found() {
    let check = "every_enforced_rule_is_raised_once_and_tested";
    let path = "tests/rules/af/af-irql.condis";
    assert_eq!(rules_found(check, path, "--- breaks\nx\n"), [path]);
    assert_eq!(rules_found(check, path, "--- almost\nx\n--- breaksome\n"), [path]);
}

/// A kernel rule that is raised and has no script, with a test that bears `marks` and a sample of `sample`.
fn kernel_rule_found(marks: &str, sample: &str) -> Vec<String> {
    let rule = "[[rule]]\nid = \"kernel-x\"\narea = \"kernel\"\nbinds = [\"cm\"]\ndetect = \"runtime-safety\"\nddis = []\n";
    let files = [
        ("contract/kernel.toml", rule),
        ("crates/engine/src/kernel.rs", "fn f() {\n    raise(Rule::KernelX);\n}\n"),
        ("crates/engine/tests/kernel.rs", marks),
        (sample, ""),
    ];
    found("every_enforced_rule_is_raised_once_and_tested", &files)
}

#[test]
fn marks_and_faulty_samples_stand_for_scripts_of_kernel_rules() {
    let nothing: [&str; 0] = [];
    let missing = ["tests/rules/kernel/kernel-x.condis"];
    let almost = "fn f() {\n    // rule: kernel-x almost\n}\n";
    let both = format!("// rule: kernel-x breaks\n{almost}");
    assert_eq!(kernel_rule_found(&both, "README.md"), nothing);
    assert_eq!(kernel_rule_found(almost, "samples/bad/kernel-x/one/one.sys"), nothing);
    assert_eq!(kernel_rule_found(almost, "samples/bad/kernel-y/one/one.sys"), missing);
    assert_eq!(kernel_rule_found("", "samples/bad/kernel-x/one/one.sys"), missing);
    let path = "tests/rules/af/af-irql.condis";
    let unscripted =
        rules_with("crates/host/tests/faults.rs", "// rule: af-irql breaks\n// rule: af-irql almost\n");
    let files: Vec<(&str, &str)> = unscripted
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .filter(|(file, _)| *file != path)
        .collect();
    assert_eq!(found("every_enforced_rule_is_raised_once_and_tested", &files), [path], "only for the kernel");
}

#[test]
fn a_rule_that_waits_and_is_raised_is_found() {
    let raise = "fn f() {\n    raise(Rule::AfLater);\n}\n";
    let place = ["crates/host/src/exports.rs:2"];
    assert_eq!(rules_found("no_other_rule_is_raised", "crates/host/src/exports.rs", raise), place);
}

#[test]
fn a_script_of_no_rule_is_found() {
    let path = "tests/rules/af/af-none.condis";
    assert_eq!(rules_found("no_other_rule_is_raised", path, SCRIPT), [path]);
}

#[test]
fn what_is_left_for_later_is_found() {
    let code = "//! A word: todo!()\nfn f() {\n    todo!()\n}\n#[ignore = \"slow\"]\n#[should_panic]\nfn g() {}\n\
                // SAFETY: it is so.\n// TODO: is it?\n#[should_panic(expected = \"this\")]\nfn h() {}\n";
    let files = [("crates/pe/src/lib.rs", code), ("docs/limits.md", "text\nFIXME\nFIXMES\n")];
    let places = [
        "crates/pe/src/lib.rs:3",
        "crates/pe/src/lib.rs:5",
        "crates/pe/src/lib.rs:6",
        "crates/pe/src/lib.rs:9",
        "docs/limits.md:2",
    ];
    assert_eq!(found("nothing_is_left_for_later", &files), places);
}

#[test]
fn lines_that_a_review_cannot_show_are_found() {
    let wide = format!("//! {}\n", "x".repeat(140));
    let files = [
        ("crates/pe/src/lib.rs", wide.as_str()),
        ("crates/pe/src/view.rs", "\tfn f() {}\n"),
        ("docs/limits.md", "good\nbad \nno end"),
        ("contract/af.toml", wide.as_str()),
    ];
    let places =
        ["crates/pe/src/lib.rs:1", "crates/pe/src/view.rs:1", "docs/limits.md:2", "docs/limits.md:3"];
    assert_eq!(found("lines_are_plain", &files), places);
}

#[test]
fn paths_of_a_machine_are_found() {
    let files = [
        ("docs/limits.md", "see https://example.org/root/x and target/tmp/x\nsee /root/x\n"),
        ("samples/good/mcm/mcm.sys", "\0\0C:/home/me/mcm.c\0"),
    ];
    let places = ["docs/limits.md:2", "samples/good/mcm/mcm.sys"];
    assert_eq!(found("no_path_of_a_machine", &files), places);
}

#[test]
fn packages_from_elsewhere_are_found() {
    let files = [
        (".cargo/config.toml", "[alias]\nxtask = \"run\"\n[source.crates-io]\nreplace-with = \"mirror\"\n"),
        (
            "Cargo.lock",
            "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+x\"\n",
        ),
        ("crates/pe/Cargo.toml", "[dependencies]\nobject = { git = \"x\" }\n"),
    ];
    let places = [".cargo/config.toml:3", ".cargo/config.toml:4", "Cargo.lock:2", "crates/pe/Cargo.toml:2"];
    assert_eq!(found("packages_come_from_one_registry", &files), places);
}

#[test]
fn a_file_without_a_head_is_found() {
    let files = [
        ("crates/pe/src/lib.rs", "//! What it is.\n"),
        ("crates/pe/src/view.rs", "/// An item.\nfn f() {}\n"),
    ];
    assert_eq!(found("files_begin_with_what_they_are", &files), ["crates/pe/src/view.rs:1"]);
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let long = "//! Lines.\n".repeat(1001);
    let files = [
        ("crates/pe/src/lib.rs", long.as_str()),
        ("crates/pe/tests/errors.rs", long.as_str()),
        ("crates/contract/src/generated/rule.rs", long.as_str()),
    ];
    assert_eq!(found("files_fit_in_a_head", &files), ["crates/pe/src/lib.rs"]);
}

#[test]
fn a_binary_out_of_its_place_is_found() {
    let files = [("samples/good/mcm/mcm.sys", "\0"), ("docs/picture.png", "\0")];
    assert_eq!(found("binaries_have_their_places", &files), ["docs/picture.png"]);
}

#[test]
fn a_crate_that_is_not_described_is_found() {
    let files = [
        ("crates/pe/Cargo.toml", ""),
        ("crates/host/Cargo.toml", ""),
        ("docs/architecture.md", "## Crates\n\n**`pe`** reads.\n\n**`gone`** was.\n\n## End\n**`host`**\n"),
    ];
    assert_eq!(found("crates_are_described", &files), ["docs/architecture.md", "docs/architecture.md:5"]);
}

#[test]
fn an_invariant_that_nothing_notices_is_found() {
    let page = "## Invariants\n1. This. Noticed by `this`.\n2. That,\n   too. Noticed by `clippy::that` and `gone`.\n3. Nothing.\n";
    let files = [
        ("docs/architecture.md", page),
        ("xtask/src/tidy/architecture.rs", "fn this() {}\nfn only_the_loop_runs_driver_code() {}\n"),
    ];
    let places = ["docs/architecture.md", "docs/architecture.md:3", "docs/architecture.md:5"];
    assert_eq!(found("invariants_have_checks", &files), places);
}

#[test]
fn a_link_to_nowhere_is_found() {
    let page = "[a](limits.md), [b](../README.md#top), [c](https://example.org)\n[d](gone.md)\n\
                `crates/pe/src/lib.rs`, `crates/<name>/src`\n`crates/gone`\n```\n[e](gone.md)\n```\n";
    let files = [
        ("docs/architecture.md", page),
        ("docs/limits.md", ""),
        ("README.md", ""),
        ("crates/pe/src/lib.rs", ""),
    ];
    assert_eq!(found("links_lead_somewhere", &files), ["docs/architecture.md:2", "docs/architecture.md:4"]);
}

#[test]
fn a_command_that_the_readme_lacks_is_found() {
    let files = [
        ("README.md", "Use `condis run`.\n"),
        (
            "crates/condis/src/cli.rs",
            "enum Command {\n    Run(commands::run::Arguments),\n    Replay(commands::replay::Arguments),\n}\n",
        ),
    ];
    assert_eq!(found("commands_are_named", &files), ["README.md"]);
}

#[test]
fn a_first_command_that_ci_does_not_run_is_found() {
    let files = [
        ("README.md", "## Start\n\n    cargo run   # a sample\n    cargo test\n\n## More\n    cargo doc\n"),
        (".ci/run", "#!/usr/bin/env bash\n    cargo test\n"),
    ];
    assert_eq!(found("first_commands_are_run", &files), ["README.md:3"]);
}
