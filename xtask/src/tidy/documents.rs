//! Documents name what exists, and all of it where they claim to.

use std::collections::BTreeSet;

use super::tokens::occurrences;
use super::tree::Tree;
use super::{CHECKS, Problem};

const ARCHITECTURE: &str = "docs/architecture.md";
const README: &str = "README.md";

/// The section "Crates" of the architecture page has one entry per crate, and none for a crate that is gone.
pub(super) fn crates_are_described(tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(ARCHITECTURE) else {
        return vec![Problem::new(ARCHITECTURE, 0, "there must be this file")];
    };
    let mut members = tree.crates();
    if tree.has("xtask/Cargo.toml") {
        members.insert("xtask".to_string());
    }
    let mut problems = Vec::new();
    let mut described = BTreeSet::new();
    for (line, text) in section(text, "## Crates") {
        let Some(name) = text.strip_prefix("**`").and_then(|rest| rest.split_once("`**")) else { continue };
        if !members.contains(name.0) {
            let message = format!("there is no crate {}: take the paragraph out", name.0);
            problems.push(Problem::new(ARCHITECTURE, line, message));
        }
        described.insert(name.0.to_string());
    }
    problems.extend(members.difference(&described).map(|name| {
        let message = format!(
            "section \"Crates\" lacks a paragraph **`{name}`**: what it does, what it must never know"
        );
        Problem::new(ARCHITECTURE, 0, message)
    }));
    problems
}

/// The lines below `heading` up to the next heading of the same depth, with their numbers.
fn section<'a>(text: &'a str, heading: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    lines
        .skip_while(move |(_, line)| *line != heading)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("## "))
}

/// Every invariant of the architecture page names the checks or tests that notice when it breaks, and each check of the
/// architecture stands there.
pub(super) fn invariants_have_checks(tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(ARCHITECTURE) else {
        return vec![Problem::new(ARCHITECTURE, 0, "there must be this file")];
    };
    let mut tests = BTreeSet::new();
    for (_, tokens) in tree.all_code("") {
        tests.extend(occurrences(tokens, "fn").filter_map(|place| Some(tokens.get(place + 1)?.text.clone())));
    }
    let mut items: Vec<(usize, String)> = Vec::new();
    for (line, text) in section(text, "## Invariants") {
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            items.push((line, text.to_string()));
        } else if let Some((_, item)) = items.last_mut() {
            item.push(' ');
            item.push_str(text.trim());
        }
    }
    let mut problems = Vec::new();
    let mut named = BTreeSet::new();
    for (line, item) in &items {
        let Some((_, noticed)) = item.rsplit_once("Noticed by ") else {
            let message = "end the invariant with \"Noticed by `name`.\": a check of tidy, a test, or a lint";
            problems.push(Problem::new(ARCHITECTURE, *line, message));
            continue;
        };
        for name in noticed.split('`').skip(1).step_by(2) {
            let is_lint = name.contains("::");
            if !is_lint && !tests.contains(name) {
                let message = format!("there is no check or test {name}: name the one that notices");
                problems.push(Problem::new(ARCHITECTURE, *line, message));
            }
            named.insert(name.to_string());
        }
    }
    for check in CHECKS.iter().filter(|check| is_architecture(tree, check.name)) {
        if !named.contains(check.name) {
            let message = format!("no invariant is noticed by `{}`: state it", check.name);
            problems.push(Problem::new(ARCHITECTURE, 0, message));
        }
    }
    problems
}

/// Whether a check is one of those about the architecture.
fn is_architecture(tree: &Tree, check: &str) -> bool {
    let pattern = format!("fn {check}");
    tree.code("xtask/src/tidy/architecture.rs")
        .any(|(_, tokens)| occurrences(tokens, &pattern).next().is_some())
}

/// First folders of paths that documents write in back quotes.
const FOLDERS: &[&str] = &[
    ".ci/",
    "benches/",
    "contract/",
    "crates/",
    "docs/",
    "fuzz/",
    "include/",
    "samples/",
    "tests/",
    "xtask/",
];

/// Links of documents to files of the project, and paths that they write in back quotes, lead somewhere.
pub(super) fn links_lead_somewhere(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".md")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut in_code = false;
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            }
            if in_code {
                continue;
            }
            for target in links(line) {
                let file = target.split('#').next().unwrap_or_default();
                if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                    continue;
                }
                if !resolve(folder, file).is_some_and(|file| tree.has(&file)) {
                    let message =
                        format!("the link to {target} leads nowhere: name a file, relative to this one");
                    problems.push(Problem::new(path, number + 1, message));
                }
            }
            for quoted in line.split('`').skip(1).step_by(2) {
                let is_path = FOLDERS.iter().any(|folder| quoted.starts_with(folder))
                    && !quoted.contains(|letter: char| "<>*{}[]() \u{2026}=,".contains(letter));
                let file = quoted.split(':').next().unwrap_or_default();
                if is_path && !tree.has(file) && !tree.has(&format!("{folder}/{file}")) {
                    let message = format!("there is no {file}: name what there is");
                    problems.push(Problem::new(path, number + 1, message));
                }
            }
        }
    }
    problems
}

/// The targets of the Markdown links in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0))
}

/// `file` as seen from `folder`, relative to the root; none if it lies outside.
fn resolve(folder: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Where the program's commands are listed, each with the arguments of its module.
const COMMANDS: &str = "crates/condis/src/cli.rs";

/// The README names every command of the program.
pub(super) fn commands_are_named(tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(README) else {
        return vec![Problem::new(README, 0, "there must be this file")];
    };
    let mut commands = BTreeSet::new();
    for (_, tokens) in tree.code(COMMANDS) {
        commands.extend(
            occurrences(tokens, "commands : :").filter_map(|place| Some(&tokens.get(place + 3)?.text)),
        );
    }
    commands
        .into_iter()
        .filter(|name| !text.contains(&format!("condis {name}")))
        .map(|name| {
            Problem::new(README, 0, format!("does not name `condis {name}`: say in a line what it is for"))
        })
        .collect()
}

const CI: &str = ".ci/run";

/// The commands that the README begins with are those that CI runs.
pub(super) fn first_commands_are_run(tree: &Tree) -> Vec<Problem> {
    let (Some(readme), Some(ci)) = (tree.text(README), tree.text(CI)) else {
        return vec![Problem::new(README, 0, format!("there must be this file and {CI}"))];
    };
    let commands: Vec<(usize, &str)> = section(readme, "## Start")
        .filter_map(|(line, text)| Some((line, text.strip_prefix("    ")?.split(" #").next()?.trim())))
        .collect();
    if commands.len() < 2 {
        let message =
            "section \"Start\" must have two indented commands: one runs a sample, one runs the tests";
        return vec![Problem::new(README, 0, message)];
    }
    commands
        .into_iter()
        .filter(|(_, command)| !ci.lines().any(|line| line.trim() == *command))
        .map(|(line, command)| {
            Problem::new(README, line, format!("{CI} does not run `{command}`: let both say the same"))
        })
        .collect()
}
