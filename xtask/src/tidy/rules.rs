//! Each enforced rule of the contract is raised in one place, and a script breaks it and nearly does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Problem;
use super::tokens::{Token, occurrences};
use super::tree::Tree;

/// What the checks need of a contract file; `cargo xtask codegen` reads the rest, and refuses what is wrong.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ContractFile {
    rule: Vec<Rule>,
    ddi: Vec<Ddi>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    area: String,
    binds: Vec<String>,
    detect: String,
    ddis: Vec<String>,
    #[serde(default)]
    race: bool,
}

#[derive(Deserialize)]
struct Ddi {
    name: String,
    kind: String,
}

/// `contract/enforcement.toml`: the rules and areas that are not enforced by a raise site of their own.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Enforcement {
    rule: Vec<Entry>,
    covered: Vec<Entry>,
    area: Vec<Area>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
}

#[derive(Deserialize)]
struct Area {
    name: String,
}

const ENFORCEMENT: &str = "contract/enforcement.toml";

/// Rules that are raised in several rooms, and why.
const RAISED_IN_SEVERAL: &[(&str, &str)] =
    &[("kernel-deadlock", "the engine names it for whatever no monitor explains")];

/// Where rules are raised. `report` and the rest of `condis` only speak of them, and so does `verify::level`, which ranks
/// them.
const RAISING: &[&str] = &[
    "crates/model/src/",
    "crates/verify/src/",
    "crates/engine/src/",
    "crates/host/src/",
    "crates/condis/src/judge.rs",
];

/// The file that raises every rule of [`IRQL`] about functions, from the contract's own table.
const IRQL_TABLE: &str = "crates/verify/src/irql.rs";
const IRQL: &str = "irql";

/// The contract's rules, sorted by whether a breach must be raised.
struct Rules {
    /// Enforced, and binding a driver.
    enforced: Vec<Rule>,
    /// Every other rule: waiting, covered, answered with a status, or not to be seen at all. With the reason.
    others: Vec<(Rule, &'static str)>,
    functions: BTreeSet<String>,
}

impl Rules {
    fn read(tree: &Tree) -> Result<Rules, Problem> {
        let mut file = ContractFile::default();
        for (path, _) in tree.below("contract/").filter(|(path, _)| path.ends_with(".toml")) {
            if path != ENFORCEMENT {
                let mut one: ContractFile = parse(tree, path)?;
                file.rule.append(&mut one.rule);
                file.ddi.append(&mut one.ddi);
            }
        }
        let enforcement: Enforcement =
            if tree.has(ENFORCEMENT) { parse(tree, ENFORCEMENT)? } else { Enforcement::default() };
        let lists = |entries: &[Entry], rule: &Rule| entries.iter().any(|entry| entry.id == rule.id);
        let mut rules = Rules { enforced: Vec::new(), others: Vec::new(), functions: BTreeSet::new() };
        for rule in file.rule {
            let why = if rule.detect == "static" {
                "no run can show a breach of it"
            } else if lists(&enforcement.rule, &rule)
                || enforcement.area.iter().any(|area| area.name == rule.area)
            {
                "contract/enforcement.toml says that it waits: take the entry out"
            } else if lists(&enforcement.covered, &rule) {
                "contract/enforcement.toml says that other rules cover it: take the entry out"
            } else if rule.race {
                "an unlucky order can bring its refusal upon a correct driver: only answer with the status"
            } else {
                if rule.binds.iter().any(|role| role != "ndis") {
                    rules.enforced.push(rule);
                }
                continue;
            };
            rules.others.push((rule, why));
        }
        rules.functions =
            file.ddi.into_iter().filter(|ddi| ddi.kind != "callback").map(|ddi| ddi.name).collect();
        Ok(rules)
    }
}

fn parse<T: serde::de::DeserializeOwned>(tree: &Tree, path: &str) -> Result<T, Problem> {
    let table = tree.toml(path)?;
    table.try_into().map_err(|error: toml::de::Error| Problem::new(path, 0, error.message()))
}

/// The name of a rule's variant in `contract::Rule`.
fn variant(id: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    id.split('-').filter_map(capital).collect()
}

/// Where each variant of `Rule` is raised: named as a value, neither looked up, compared nor matched.
fn raise_sites(tree: &Tree) -> BTreeMap<String, Vec<(String, usize)>> {
    let mut sites: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    for folder in RAISING {
        for (path, tokens) in tree.code(folder).filter(|(path, _)| !path.ends_with("/level.rs")) {
            for place in occurrences(tokens, "Rule : :") {
                let Some(name) = tokens.get(place + 3) else { continue };
                if name.text.starts_with(|first: char| first.is_ascii_uppercase())
                    && !is_looked_at(tokens, place)
                {
                    sites.entry(name.text.clone()).or_default().push((path.to_string(), name.line));
                }
            }
        }
    }
    sites
}

/// Whether the rule named at `place` is only asked about: `Rule::X.info()`, `== Rule::X`, `Rule::X =>`, `Rule::X |`.
fn is_looked_at(tokens: &[Token], place: usize) -> bool {
    let text = |place: usize| tokens.get(place).map_or("", |token| token.text.as_str());
    let compared = place >= 2 && text(place - 1) == "=" && matches!(text(place - 2), "=" | "!");
    let looked_up = text(place + 4) == ".";
    let matched = text(place + 4) == "=" && text(place + 5) == ">" || text(place + 4) == "|";
    let compared_with = matches!(text(place + 4), "=" | "!") && text(place + 5) == "=";
    compared || looked_up || matched || compared_with
}

/// Where a rule that is raised in `path` belongs: the module of its area in one crate. What the kernel asks for is seen
/// all over the crate that plays that part of it.
fn room<'a>(area: &str, path: &'a str) -> &'a str {
    let depth = if area == "kernel" { 2 } else { 4 };
    let end = path.match_indices('/').nth(depth - 1).map_or(path.len(), |(end, _)| end);
    path[..end].trim_end_matches(".rs")
}

/// Every rule that binds a driver and is enforced is raised in one room ([`room`]), and a test breaks it and another nearly does.
pub(super) fn every_enforced_rule_is_raised_once_and_tested(tree: &Tree) -> Vec<Problem> {
    let rules = match Rules::read(tree) {
        Ok(rules) => rules,
        Err(problem) => return vec![problem],
    };
    let sites = raise_sites(tree);
    let irql_table =
        tree.code(IRQL_TABLE).any(|(_, tokens)| occurrences(tokens, "Detect : : Irql").next().is_some());
    let marks = native_marks(tree);
    let mut problems = Vec::new();
    for rule in &rules.enforced {
        let name = variant(&rule.id);
        let empty = Vec::new();
        let raised = sites.get(&name).unwrap_or(&empty);
        let rooms: BTreeSet<&str> = raised.iter().map(|(path, _)| room(&rule.area, path)).collect();
        let by_table =
            irql_table && rule.detect == IRQL && rule.ddis.iter().any(|ddi| rules.functions.contains(ddi));
        let here = format!("contract: {}", rule.id);
        if rooms.is_empty() && !by_table {
            let message = format!(
                "nothing raises Rule::{name}: raise it in crate model, verify, engine or host, or say in {ENFORCEMENT} \
                 what it waits for"
            );
            problems.push(Problem::new(&here, 0, message));
        }
        let several = RAISED_IN_SEVERAL.iter().any(|(id, _)| *id == rule.id);
        if several && rooms.len() == 1 {
            let message = "is raised in one place by now: take it out of RAISED_IN_SEVERAL";
            problems.push(Problem::new(&here, 0, message));
        }
        if rooms.len() > 1 && !several {
            let places: Vec<String> = raised.iter().map(|(path, line)| format!("{path}:{line}")).collect();
            let message = format!(
                "Rule::{name} is raised in several places ({}): keep it in the module of its area, or give the reason in \
                 RAISED_IN_SEVERAL",
                places.join(", ")
            );
            problems.push(Problem::new(&here, 0, message));
        }
        problems.extend(untested(tree, &marks, rule));
    }
    problems
}

/// What tests a rule must have: one that breaks it, one that nearly does.
const SECTIONS: [&str; 2] = ["breaks", "almost"];

fn untested(tree: &Tree, marks: &BTreeSet<(String, &'static str)>, rule: &Rule) -> Option<Problem> {
    let path = format!("tests/rules/{}/{}.condis", rule.area, rule.id);
    let script = tree.text(&path);
    let in_script = |section: &str| {
        let is_head = |line: &str| {
            let rest = line.strip_prefix("--- ").and_then(|rest| rest.strip_prefix(section));
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        script.is_some_and(|script| script.lines().any(is_head))
    };
    let missing: Vec<&str> = SECTIONS
        .into_iter()
        .filter(|section| !in_script(section))
        .filter(|section| rule.area != "kernel" || !marks.contains(&(rule.id.clone(), section)))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let native = if rule.area == "kernel" {
        format!(", or a test of host, engine or condis with a line `// rule: {} {}`", rule.id, missing[0])
    } else {
        String::new()
    };
    let message = format!("{} has no section `--- {}`{native}", rule.id, missing.join("` and no `--- "));
    Some(Problem::new(&path, 0, message))
}

/// Where tests may bear marks instead of scripts, for what only native code or the kernel's own tests can do.
const MARKED: &[&str] = &["crates/host/tests/", "crates/engine/tests/", "crates/condis/tests/"];

const FAULTY: &str = "samples/bad/";

/// The marks `// rule: <id> breaks` and `// rule: <id> almost` in tests; and the faulty samples, each of which a test of
/// `condis` runs.
fn native_marks(tree: &Tree) -> BTreeSet<(String, &'static str)> {
    let mut marks = BTreeSet::new();
    for (path, _) in MARKED.iter().flat_map(|folder| tree.below(folder)) {
        for line in tree.text(path).unwrap_or_default().lines() {
            let Some(mark) = line.trim().strip_prefix("// rule: ") else { continue };
            for section in SECTIONS {
                if let Some(id) = mark.strip_suffix(section) {
                    marks.insert((id.trim_end().to_string(), section));
                }
            }
        }
    }
    for (path, _) in tree.below(FAULTY).filter(|(path, _)| path.ends_with(".sys")) {
        if let Some((id, _)) = path.strip_prefix(FAULTY).and_then(|path| path.split_once('/')) {
            marks.insert((id.to_string(), SECTIONS[0]));
        }
    }
    marks
}

/// A rule that waits, is covered by others or cannot be seen is raised nowhere; a test file names a rule that is enforced.
pub(super) fn no_other_rule_is_raised(tree: &Tree) -> Vec<Problem> {
    let rules = match Rules::read(tree) {
        Ok(rules) => rules,
        Err(problem) => return vec![problem],
    };
    let sites = raise_sites(tree);
    let mut problems = Vec::new();
    for (rule, why) in &rules.others {
        for (path, line) in sites.get(&variant(&rule.id)).into_iter().flatten() {
            problems.push(Problem::new(path, *line, format!("{}: {why}", rule.id)));
        }
    }
    for (path, _) in tree.below("tests/rules/").filter(|(path, _)| path.ends_with(".condis")) {
        let place = path.trim_start_matches("tests/rules/").trim_end_matches(".condis");
        let known = |(area, id): (&str, &str)| {
            rules.enforced.iter().any(|rule| rule.area == area && rule.id == id)
                || rules.others.iter().any(|(rule, _)| rule.area == area && rule.id == id)
        };
        if !place.split_once('/').is_some_and(known) {
            let message =
                "no rule of the contract has this area and id: name the file <area>/<rule-id>.condis";
            problems.push(Problem::new(path, 0, message));
        }
    }
    problems
}
