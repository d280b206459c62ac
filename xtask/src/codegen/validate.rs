//! What must hold between the entries of the contract. All problems are collected, so that one run shows them all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::emit::{constant_name, variant};
use super::source::{Contract, Detect, Kind, Located, Role};

/// One contradiction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The contract file.
    pub(crate) file: String,
    /// The table in it, as written: `[[rule]]`.
    pub(crate) table: &'static str,
    /// The id or name of the entry.
    pub(crate) entry: String,
    /// What is wrong.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "contract/{} {} {}: {}", self.file, self.table, self.entry, self.message)
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, file: &str, table: &'static str, entry: &str, message: String) {
        self.0.push(Problem { file: file.to_string(), table, entry: entry.to_string(), message });
    }

    /// Reports every second use of a name, also after it became the name of a Rust item.
    fn unique<'a, T>(
        &mut self,
        table: &'static str,
        entries: &'a [Located<T>],
        name: impl Fn(&'a T) -> &'a str,
        item: impl Fn(&str) -> String,
    ) -> BTreeSet<&'a str> {
        let mut items: BTreeMap<String, &str> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for Located { file, entry } in entries {
            let own = name(entry);
            if own.is_empty() {
                self.add(file, table, own, "has no name".to_string());
            }
            if let Some(other) = items.insert(item(own), own) {
                let message =
                    if other == own { "stands twice".to_string() } else { format!("collides with {other}") };
                self.add(file, table, own, message);
            }
            names.insert(own);
        }
        names
    }

    fn known(
        &mut self,
        at: (&str, &'static str, &str),
        column: &str,
        used: &[String],
        known: &BTreeSet<&str>,
    ) {
        for name in used {
            if !known.contains(name.as_str()) {
                self.add(at.0, at.1, at.2, format!("{column} names {name}, which is in no table"));
            }
        }
        for (index, name) in used.iter().enumerate() {
            if used[..index].contains(name) {
                self.add(at.0, at.1, at.2, format!("{column} names {name} twice"));
            }
        }
    }

    fn pages(&mut self, at: (&str, &'static str, &str), pages: &[String]) {
        for page in pages {
            if let Some(message) = page_problem(page) {
                self.add(at.0, at.1, at.2, message);
            }
        }
        if pages.is_empty() {
            self.add(at.0, at.1, at.2, "cites no page".to_string());
        }
    }
}

/// Every contradiction in the contract.
pub(super) fn problems(contract: &Contract) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    let ddis = problems.unique("[[ddi]]", &contract.ddis, |ddi| &ddi.name, str::to_string);
    problems.unique("[[rule]]", &contract.rules, |rule| &rule.id, variant);
    let questions = problems.unique("[[open_question]]", &contract.questions, |entry| &entry.id, variant);
    problems.unique("[[guarantee]]", &contract.guarantees, |entry| &entry.id, variant);
    problems.unique("[[state_machine]]", &contract.state_machines, |entry| &entry.id, str::to_string);
    problems.unique("[[stop_order]]", &contract.stop_orders, |entry| &entry.id, str::to_string);
    problems.unique("[[status]]", &contract.statuses, |entry| &entry.name, str::to_string);
    problems.unique("[[struct]]", &contract.structures, |entry| &entry.name, str::to_string);

    for Located { file, entry: ddi } in &contract.ddis {
        let at = (file.as_str(), "[[ddi]]", ddi.name.as_str());
        problems.known(at, "causes", &ddi.causes, &ddis);
        if !ddi.completed_by.is_empty() {
            problems.known(at, "completed_by", std::slice::from_ref(&ddi.completed_by), &ddis);
        }
        if !ddi.page.is_empty() {
            problems.pages(at, std::slice::from_ref(&ddi.page));
        }
        let callback = ddi.kind == Kind::Callback;
        if callback != ddi.required.is_some() {
            problems.add(
                at.0,
                at.1,
                at.2,
                "a callback, and nothing else, says whether it is required".to_string(),
            );
        }
        if callback && (ddi.called_by.iter().any(|role| *role != Role::Ndis) || !ddi.export.is_empty()) {
            problems.add(at.0, at.1, at.2, "a callback is called by NDIS and exported by nobody".to_string());
        }
        if !callback && !ddi.called_on.is_empty() {
            problems.add(at.0, at.1, at.2, "called_on is for callbacks".to_string());
        }
    }
    for Located { file, entry: rule } in &contract.rules {
        let at = (file.as_str(), "[[rule]]", rule.id.as_str());
        problems.known(at, "ddis", &rule.ddis, &ddis);
        problems.known(at, "rests_on", &rule.rests_on, &questions);
        problems.pages(at, &rule.pages);
        if rule.binds.is_empty() {
            problems.add(at.0, at.1, at.2, "binds nobody".to_string());
        }
        if rule.race && rule.refusal.is_none() {
            problems.add(at.0, at.1, at.2, "race = true is about a refusal, and there is none".to_string());
        }
    }
    for Located { file, entry } in &contract.guarantees {
        let at = (file.as_str(), "[[guarantee]]", entry.id.as_str());
        problems.known(at, "ddis", &entry.ddis, &ddis);
        problems.pages(at, &entry.pages);
    }
    for Located { file, entry } in &contract.questions {
        problems.pages((file, "[[open_question]]", &entry.id), &entry.pages);
    }
    for Located { file, entry: machine } in &contract.state_machines {
        let at = (file.as_str(), "[[state_machine]]", machine.id.as_str());
        let states: BTreeSet<&str> = machine.states.iter().map(|state| state.name.as_str()).collect();
        problems.known(at, "initial", std::slice::from_ref(&machine.initial), &states);
        problems.known(at, "terminal", &machine.terminal, &states);
        for edge in &machine.transitions {
            problems.known(at, "a transition", std::slice::from_ref(&edge.from), &states);
            problems.known(at, "a transition", std::slice::from_ref(&edge.to), &states);
        }
        problems.known(at, "rests_on", &machine.rests_on, &questions);
        problems.pages(at, &machine.pages);
    }
    for Located { file, entry } in &contract.stop_orders {
        let at = (file.as_str(), "[[stop_order]]", entry.id.as_str());
        problems.known(at, "rests_on", &entry.rests_on, &questions);
        problems.pages(at, &entry.pages);
    }
    values(contract, &mut problems);
    layouts(contract, &mut problems);

    let at = "enforcement.toml";
    let mut listed = BTreeSet::new();
    for waiting in &contract.enforcement.rule {
        let found = contract.rules.iter().find(|rule| rule.entry.id == waiting.id);
        let message = match found.map(|rule| rule.entry.detect) {
            None => "is the id of no rule".to_string(),
            Some(Detect::Static) => "cannot be seen at run time, and needs no entry".to_string(),
            Some(_) if !listed.insert(&waiting.id) => "stands twice".to_string(),
            Some(_)
                if contract
                    .enforcement
                    .area
                    .iter()
                    .any(|area| Some(area.name) == found.map(|r| r.entry.area)) =>
            {
                "waits with its whole area, and needs no entry".to_string()
            }
            Some(_) => continue,
        };
        problems.add(at, "[[rule]]", &waiting.id, message);
    }
    for covered in &contract.enforcement.covered {
        let enforced = |id: &str| {
            let rule = contract.rules.iter().find(|rule| rule.entry.id == id)?;
            let waits = contract.enforcement.rule.iter().any(|waiting| waiting.id == id)
                || contract.enforcement.area.iter().any(|area| area.name == rule.entry.area);
            (rule.entry.detect != Detect::Static && !waits && !rule.entry.race).then_some(())
        };
        let message = if enforced(&covered.id).is_none() {
            "is no rule that would be enforced".to_string()
        } else if !listed.insert(&covered.id) {
            "stands twice".to_string()
        } else if let Some(stale) = covered.by.iter().find(|id| enforced(id).is_none()) {
            format!("by: {stale} is no rule that is enforced")
        } else {
            continue;
        };
        problems.add(at, "[[covered]]", &covered.id, message);
    }
    let mut areas = BTreeSet::new();
    for waiting in &contract.enforcement.area {
        if !areas.insert(waiting.name) {
            problems.add(at, "[[area]]", waiting.name.variant(), "stands twice".to_string());
        }
    }
    problems.0
}

fn values(contract: &Contract, problems: &mut Problems) {
    let mut statuses = BTreeMap::new();
    for Located { file, entry } in &contract.statuses {
        if !entry.name.starts_with("NDIS_STATUS_") {
            problems.add(file, "[[status]]", &entry.name, "does not start with NDIS_STATUS_".to_string());
        }
        if let Some(other) = statuses.insert(entry.value, &entry.name) {
            problems.add(file, "[[status]]", &entry.name, format!("has the value of {other}"));
        }
    }
    let mut values: BTreeMap<&str, u32> = BTreeMap::new();
    for Located { entry, .. } in &contract.enumerations {
        values.extend(entry.values.iter().map(|value| (value.name.as_str(), value.value)));
    }
    values.extend(contract.statuses.iter().map(|status| (status.entry.name.as_str(), status.entry.value)));
    for Located { file, entry } in &contract.constants {
        if *values.entry(&entry.name).or_insert(entry.value) != entry.value {
            problems.add(file, "[[const]]", &entry.name, "has another value elsewhere".to_string());
        }
        if constant_name(&entry.name) != entry.name {
            problems.add(file, "[[const]]", &entry.name, "is not the name of a constant".to_string());
        }
    }
}

fn layouts(contract: &Contract, problems: &mut Problems) {
    for Located { file, entry } in &contract.structures {
        let at = (file.as_str(), "[[struct]]", entry.name.as_str());
        let mut names = BTreeSet::new();
        for field in &entry.fields {
            if !names.insert(field.name.as_str()) {
                problems.add(at.0, at.1, at.2, format!("has two members {}", field.name));
            }
            if field.offset > entry.size_x64 {
                problems.add(at.0, at.1, at.2, format!("member {} lies behind its end", field.name));
            }
        }
        if entry.header.is_none() != entry.header_revisions.is_empty() {
            problems.add(at.0, at.1, at.2, "header and header_revisions come together".to_string());
        }
        for revision in &entry.header_revisions {
            problems.known(at, "header_revisions", std::slice::from_ref(&revision.last), &names);
            if usize::from(revision.size) > entry.size_x64 {
                problems.add(
                    at.0,
                    at.1,
                    at.2,
                    format!("{} is longer than the structure", revision.size_name),
                );
            }
        }
    }
}

/// A page id must have a form of which crate `contract` can make an address (its `page.rs` lists them).
fn page_problem(page: &str) -> Option<String> {
    if page.is_empty() {
        return Some("an empty page id".to_string());
    }
    if page.starts_with("mingw:") || page.starts_with("windows-sys:") {
        return None;
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./".contains(c);
    if !page.chars().all(allowed) || page.matches('/').count() > 1 || page.ends_with(".md") {
        return Some(format!("{page:?} is not the id of a page"));
    }
    None
}
