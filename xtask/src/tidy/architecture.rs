//! The invariants of `docs/architecture.md`, most of them absences.

use std::collections::BTreeSet;

use super::Problem;
use super::tokens::{Token, occurrences};
use super::tree::Tree;

/// What a crate may depend on outside its tests.
struct Allowed {
    name: &'static str,
    /// Crates of this workspace.
    ours: &'static [&'static str],
    /// Crates from the registry; none if any is fine.
    others: Option<&'static [&'static str]>,
}

/// Every crate, from the bottom up.
const ALLOWED: &[Allowed] = &[
    Allowed { name: "contract", ours: &[], others: Some(&[]) },
    Allowed { name: "model", ours: &["contract"], others: Some(&[]) },
    Allowed { name: "verify", ours: &["contract", "model"], others: Some(&[]) },
    Allowed {
        name: "report",
        ours: &["contract", "model", "verify"],
        others: Some(&["anstyle", "quick-xml", "serde", "serde_json"]),
    },
    Allowed { name: "engine", ours: &["contract", "model"], others: Some(&["corosensei", "libc"]) },
    Allowed { name: "pe", ours: &[], others: Some(&["object"]) },
    Allowed { name: "host", ours: &["contract", "engine", "model", "pe"], others: None },
    Allowed { name: "drivers", ours: &["contract", "engine", "model"], others: None },
    Allowed {
        name: "condis",
        ours: &["contract", "drivers", "engine", "host", "model", "pe", "report", "verify"],
        others: None,
    },
];

/// Crates depend on each other in one direction, and those that must stay small on nothing else.
pub(super) fn dependencies_point_one_way(tree: &Tree) -> Vec<Problem> {
    let crates = tree.crates();
    let mut problems = Vec::new();
    for name in &crates {
        let path = format!("crates/{name}/Cargo.toml");
        let manifest = match tree.toml(&path) {
            Ok(manifest) => manifest,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let Some(allowed) = ALLOWED.iter().find(|allowed| allowed.name == name) else {
            problems.push(Problem::new(
                &path,
                0,
                "a new crate: say in xtask/src/tidy/architecture.rs and docs/architecture.md what it may depend on",
            ));
            continue;
        };
        for dependency in dependencies(&manifest) {
            let line = line_of(tree.text(&path).unwrap_or_default(), &dependency);
            if crates.contains(&dependency) || dependency == "xtask" {
                if !allowed.ours.contains(&dependency.as_str()) {
                    let message = format!(
                        "{name} must not know {dependency}: move what needs both to a crate above them, \
                         or hand {name} a value or trait of a crate below"
                    );
                    problems.push(Problem::new(&path, line, message));
                }
            } else if allowed.others.is_some_and(|others| !others.contains(&dependency.as_str())) {
                let message = format!("{name} is kept free of {dependency}: use it in a crate above");
                problems.push(Problem::new(&path, line, message));
            }
        }
    }
    problems
}

/// The names of what a crate needs to be built and used, also where only some targets do.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut tables = vec![manifest];
    if let Some(toml::Value::Table(targets)) = manifest.get("target") {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    for table in tables {
        for section in ["dependencies", "build-dependencies"] {
            if let Some(toml::Value::Table(section)) = table.get(section) {
                for (name, value) in section {
                    let package = value.get("package").and_then(toml::Value::as_str);
                    found.insert(package.unwrap_or(name).to_string());
                }
            }
        }
    }
    found
}

fn line_of(text: &str, key: &str) -> usize {
    let is_key = |line: &str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with([' ', '.', '=']) || rest.starts_with('"'))
    };
    text.lines().position(is_key).map_or(0, |line| line + 1)
}

/// Crates that have `core` and `alloc` only: no thread, clock, file or map with a random state can get in.
const CORE: &[&str] = &["contract", "model", "verify"];

/// The core crates are `no_std`, and nothing in them outside tests says `std`.
pub(super) fn the_core_has_no_standard_library(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in CORE {
        let root = format!("crates/{name}/src/lib.rs");
        problems.extend(missing_attribute(tree, &root, "# ! [ no_std ]", "#![no_std]"));
        let source = format!("crates/{name}/src/");
        for (path, tokens) in tree.code(&source) {
            let named = occurrences(tokens, "std : :").chain(occurrences(tokens, "extern crate std"));
            problems.extend(named.map(|place| {
                let message = "use `core::` or `alloc::`; what needs more belongs into another crate";
                Problem::new(path, tokens[place].line, message)
            }));
        }
    }
    problems
}

/// Crates that the compiler keeps free of unsafe code.
const SAFE: &[&str] = &["contract", "model", "verify", "report", "pe", "drivers", "condis"];

/// Where unsafe code may be, with the tests of `engine`, which play the host.
const UNSAFE_PLACES: &[&str] = &["crates/host/", "crates/engine/src/arena.rs", "crates/engine/tests/"];

/// Unsafe code is in `host` and in one file of `engine`; all other crates forbid it.
pub(super) fn unsafe_code_stays_in_its_files(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in SAFE {
        let root = format!("crates/{name}/src/lib.rs");
        let pattern = "# ! [ forbid ( unsafe_code ) ]";
        problems.extend(missing_attribute(tree, &root, pattern, "#![forbid(unsafe_code)]"));
    }
    for (path, tokens) in tree.all_code("") {
        if UNSAFE_PLACES.iter().any(|place| path.starts_with(place)) {
            continue;
        }
        problems.extend(occurrences(tokens, "unsafe").map(|place| {
            let message = "give the operation a safe function in crate host or crates/engine/src/arena.rs";
            Problem::new(path, tokens[place].line, message)
        }));
    }
    problems
}

fn missing_attribute(tree: &Tree, root: &str, pattern: &str, attribute: &str) -> Option<Problem> {
    let (_, tokens) = tree.code(root).next()?;
    let missing = occurrences(tokens, pattern).next().is_none();
    missing.then(|| Problem::new(root, 1, format!("the crate must say {attribute}")))
}

/// Modules of std with which a crate reaches outside, and the files that may.
const EFFECTS: &[(&str, &[&str])] = &[
    ("fs", &["crates/condis/src/", "xtask/"]),
    ("net", &[]),
    ("process", &["crates/condis/src/", "xtask/"]),
    ("env", &["crates/condis/src/", "xtask/"]),
];

/// The file that prints, the one that has the last word after a panic, and the chores.
const PRINTS: &[&str] = &["crates/condis/src/output.rs", "crates/condis/src/main.rs", "xtask/"];

/// Files, processes and the environment are for `condis` alone, and one file of it prints what is not a panic.
pub(super) fn effects_stay_at_the_edge(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, tokens) in tree.code("") {
        if path.starts_with("fuzz/") || path.contains("/benches/") {
            continue;
        }
        for (module, places) in EFFECTS {
            if places.iter().any(|place| path.starts_with(place)) {
                continue;
            }
            problems.extend(std_module(tokens, module).map(|place| {
                let message = format!(
                    "std::{module} is for crate condis: take what is needed as a parameter, or return it"
                );
                Problem::new(path, tokens[place].line, message)
            }));
        }
        if PRINTS.iter().any(|place| path.starts_with(place)) {
            continue;
        }
        for macro_name in ["print !", "println !", "eprint !", "eprintln !"] {
            problems.extend(occurrences(tokens, macro_name).map(|place| {
                let message = "give the text back, and print it with crates/condis/src/output.rs";
                Problem::new(path, tokens[place].line, message)
            }));
        }
    }
    problems
}

/// Where `std::module` is named, alone or first in the braces of a `use`.
fn std_module<'a>(tokens: &'a [Token], module: &str) -> impl Iterator<Item = usize> + 'a {
    let plain = format!("std : : {module}");
    let places: BTreeSet<usize> = occurrences(tokens, &plain).collect();
    let module = module.to_string();
    let grouped = occurrences(tokens, "std : : {").filter_map(move |start| {
        let mut depth = 0;
        for place in start + 3..tokens.len() {
            match tokens[place].text.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                word if depth == 1
                    && word == module
                    && matches!(tokens[place - 1].text.as_str(), "{" | ",") =>
                {
                    return Some(place);
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        None
    });
    let grouped: Vec<usize> = grouped.collect();
    places.into_iter().chain(grouped)
}

/// Crates whose code runs inside executions.
const REPEATABLE: &[&str] = &["model", "verify", "engine", "host", "drivers"];

/// Names that make an execution depend on more than its inputs, with what to use instead.
const CHANCE: &[(&str, &str)] = &[
    ("HashMap", "its order is random: use BTreeMap or a sorted Vec"),
    ("HashSet", "its order is random: use BTreeSet or a sorted Vec"),
    ("RandomState", "use BTreeMap, or a hasher with fixed keys"),
    ("Instant", "use the execution's own clock (engine::current)"),
    ("SystemTime", "use the execution's own clock (engine::current)"),
    ("UNIX_EPOCH", "use the execution's own clock (engine::current)"),
];

/// What runs inside executions reads no clock and iterates over nothing in random order.
pub(super) fn nothing_depends_on_chance(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in REPEATABLE {
        let source = format!("crates/{name}/src/");
        for (path, tokens) in tree.code(&source) {
            for (word, instead) in CHANCE {
                problems.extend(
                    occurrences(tokens, word)
                        .map(|place| Problem::new(path, tokens[place].line, format!("{word}: {instead}"))),
                );
            }
        }
    }
    problems
}

const LOOP: &str = "crates/engine/src/call.rs";

/// In `engine`, nothing but the loop calls a handler or a routine of a driver.
pub(super) fn only_the_loop_runs_driver_code(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, tokens) in tree.code("crates/engine/src/").filter(|(path, _)| *path != LOOP) {
        for method in [". handle (", ". routine ("] {
            problems.extend(occurrences(tokens, method).map(|place| {
                let message = format!("only the loop in {LOOP} runs driver code: start a task instead");
                Problem::new(path, tokens[place].line, message)
            }));
        }
    }
    problems
}

/// `World` has one public function that changes it.
pub(super) fn step_is_the_only_way_in(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, tokens) in tree.code("crates/model/src/") {
        for start in occurrences(tokens, "impl World {") {
            let body = &tokens[start + 2..];
            let mut depth = 0;
            let end = body.iter().position(|token| {
                depth += match token.text.as_str() {
                    "{" => 1,
                    "}" => -1,
                    _ => 0,
                };
                depth == 0
            });
            let body = &body[..end.unwrap_or(body.len())];
            for place in occurrences(body, "pub fn") {
                let [name, rest @ ..] = &body[place + 2..] else { continue };
                let changes = occurrences(&rest[..rest.len().min(4)], "( & mut self").next().is_some();
                if changes && name.text != "step" {
                    let message = format!("World::{}: make it an Input of World::step", name.text);
                    problems.push(Problem::new(path, name.line, message));
                }
            }
        }
    }
    problems
}
