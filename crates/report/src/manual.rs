//! The contract's rules and functions as pages: what `condis rules` and `condis explain` print.

use crate::finding::Reading;
use crate::paint::{self, Look};
use crate::wrap::{hang, wrap};
use contract::{Ddi, Enforcement, Question, Role, Rule, page_url};
use serde::Serialize;
use verify::level::Level;

/// A rule as a row of a table and as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RuleEntry {
    /// The id.
    pub id: &'static str,
    /// The area.
    pub area: &'static str,
    /// Who must obey.
    pub roles: Vec<&'static str>,
    /// `must` or `should`.
    pub strength: &'static str,
    /// The level of a breach.
    #[serde(serialize_with = "crate::json::level")]
    pub level: Level,
    /// How a breach can be seen.
    pub detect: &'static str,
    /// `enforced`, `answered`, `covered`, `waits`, or `cannot-be-seen`.
    pub enforcement: &'static str,
    /// The narrower rules under which a breach is reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub covered_by: Vec<&'static str>,
    /// What has to exist before the rule can be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<&'static str>,
    /// Why it is not checked by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<&'static str>,
    /// The rule in a sentence or two.
    pub text: &'static str,
    /// The functions it is about.
    pub ddis: Vec<&'static str>,
    /// The addresses of the pages that say so, or what stands for a page.
    pub pages: Vec<String>,
    /// The status that answers a breach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<&'static str>,
    /// Whether an unlucky order can bring that status upon a correct driver.
    pub race: bool,
    /// The open questions that it rests on.
    pub rests_on: Vec<Reading>,
}

impl RuleEntry {
    /// The entry of a rule.
    pub fn of(rule: Rule) -> RuleEntry {
        let info = rule.info();
        let mut covered_by = Vec::new();
        let (enforcement, waits_for, because) = match info.enforcement {
            Enforcement::Enforced => ("enforced", None, None),
            Enforcement::Answered => ("answered", None, None),
            Enforcement::Covered { by, why } => {
                covered_by = by.iter().map(|rule| rule.id()).collect();
                ("covered", None, Some(why))
            }
            Enforcement::Waits { needs, why } => ("waits", Some(needs), Some(why)),
            Enforcement::CannotBeSeen => ("cannot-be-seen", None, None),
        };
        RuleEntry {
            id: info.id,
            area: info.area.as_str(),
            roles: roles(info.binds),
            strength: info.strength.as_str(),
            level: Level::of(rule),
            detect: info.detect.as_str(),
            enforcement,
            waits_for,
            covered_by,
            because,
            text: info.text,
            ddis: info.ddis.iter().map(|ddi| ddi.name()).collect(),
            pages: info.pages.iter().map(|page| page_text(page)).collect(),
            refusal: info.refusal,
            race: info.race,
            rests_on: info.rests_on.iter().map(|question| Reading::of(*question)).collect(),
        }
    }
}

/// A function as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DdiEntry {
    /// The documented name.
    pub name: &'static str,
    /// `function`, `macro` or `callback`.
    pub kind: &'static str,
    /// The area.
    pub area: &'static str,
    /// Its C prototype.
    pub prototype: &'static str,
    /// The symbol that a driver imports for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<&'static str>,
    /// Who may call it.
    pub called_by: Vec<&'static str>,
    /// Whose callback it is.
    pub called_on: Vec<&'static str>,
    /// At which level it may be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irql: Option<String>,
    /// Which NDIS versions have it.
    pub ndis: &'static str,
    /// The statuses that its page names.
    pub returns: &'static [&'static str],
    /// Whether it may answer `NDIS_STATUS_PENDING`.
    pub may_pend: bool,
    /// What finishes it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_by: Option<&'static str>,
    /// The callbacks that it causes.
    pub causes: Vec<&'static str>,
    /// Whether a driver must register it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// The address of its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// What else the page says.
    pub notes: &'static [&'static str],
    /// The rules about it.
    pub rules: Vec<&'static str>,
}

impl DdiEntry {
    /// The entry of a function.
    pub fn of(ddi: Ddi) -> DdiEntry {
        let info = ddi.info();
        DdiEntry {
            name: info.name,
            kind: info.kind.as_str(),
            area: info.area.as_str(),
            prototype: info.signature,
            export: info.export,
            called_by: roles(info.called_by),
            called_on: roles(info.called_on),
            irql: info.irql.map(|irql| irql.to_string()),
            ndis: info.ndis,
            returns: info.returns,
            may_pend: info.may_pend,
            completed_by: info.completed_by.map(Ddi::name),
            causes: info.causes.iter().map(|ddi| ddi.name()).collect(),
            required: info.required,
            page: page_url(info.page).map(|url| url.to_string()),
            notes: info.notes,
            rules: rules_of(ddi).into_iter().map(Rule::id).collect(),
        }
    }
}

/// The rules about `ddi`: those of its area, then the others, each in the order of the contract.
fn rules_of(ddi: Ddi) -> Vec<Rule> {
    let mut rules: Vec<Rule> =
        Rule::ALL.iter().copied().filter(|rule| rule.info().ddis.contains(&ddi)).collect();
    rules.sort_by_key(|rule| rule.info().area != ddi.info().area);
    rules
}

pub(crate) fn roles(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.as_str()).collect()
}

fn page_text(page: &str) -> String {
    page_url(page).map_or_else(|| page.to_owned(), |url| url.to_string())
}

/// The rules as a table: id, level, roles, how it is detected, whether it is enforced. A last line counts.
pub fn table(rules: &[Rule], look: Look) -> String {
    let entries: Vec<RuleEntry> = rules.iter().map(|rule| RuleEntry::of(*rule)).collect();
    let longest = |column: fn(&RuleEntry) -> usize| entries.iter().map(column).max().unwrap_or(0);
    let id_width = longest(|entry| entry.id.len()).max(4);
    let role_width = longest(|entry| entry.roles.join(", ").len()).max(5);
    let head =
        format!("{:id_width$}  {:7}  {:role_width$}  {:16}  {}", "rule", "level", "binds", "seen", "checked");
    let mut out = look.paint(paint::STRONG, &head) + "\n";
    for (rule, entry) in rules.iter().zip(&entries) {
        let level_style = match entry.level {
            Level::Error => paint::ERROR,
            Level::Warning => paint::WARNING,
            Level::Note => paint::NOTE,
        };
        let checked = match rule.info().enforcement {
            Enforcement::Enforced => look.paint(paint::STRONG, "yes"),
            Enforcement::Covered { .. } => format!("by {}", entry.covered_by.join(", ")),
            Enforcement::Answered => "answered by NDIS".to_owned(),
            Enforcement::Waits { needs, .. } => look.paint(paint::DIM, &format!("waits for {needs}")),
            Enforcement::CannotBeSeen => look.paint(paint::DIM, "cannot be seen at run time"),
        };
        out += &format!(
            "{:id_width$}  {}  {:role_width$}  {:16}  {checked}\n",
            entry.id,
            look.paint(level_style, &format!("{:7}", entry.level)),
            entry.roles.join(", "),
            entry.detect,
        );
    }
    let count = |kinds: &[&str]| entries.iter().filter(|entry| kinds.contains(&entry.enforcement)).count();
    out += &format!(
        "\n{} rules: {} checked, {} answered by NDIS, {} waiting, {} that cannot be seen at run time\n",
        entries.len(),
        count(&["enforced", "covered"]),
        count(&["answered"]),
        count(&["waits"]),
        count(&["cannot-be-seen"]),
    );
    out
}

/// A rule as a page.
pub fn rule_page(rule: Rule, look: Look) -> String {
    let entry = RuleEntry::of(rule);
    let mut page =
        Page::new(look, entry.id, &format!("{}, {} {}", entry.level, entry.roles.join(", "), entry.strength));
    page.prose(entry.text);
    for ddi in rule.info().ddis {
        let irql = ddi.info().irql.map(|irql| format!(" at {irql}")).unwrap_or_default();
        page.item("about", &format!("{ddi}{irql}"));
    }
    for url in &entry.pages {
        page.item("page", url);
    }
    page.item("seen", how_seen(&entry));
    match entry.refusal {
        Some(refusal) if entry.race => page.item(
            "answer",
            &format!("{refusal}; an unlucky order can bring it upon a correct driver, then it is no finding"),
        ),
        Some(refusal) => page.item("answer", refusal),
        None => {}
    }
    page.item("checked", &checked(rule.info().enforcement));
    for question in &entry.rests_on {
        page.item("open", &format!("{}: {}", question.id, question.about));
        page.item("reading", question.reading);
    }
    page.out
}

fn how_seen(entry: &RuleEntry) -> &'static str {
    match entry.detect {
        "runtime-safety" => "at the call that offends",
        "runtime-liveness" => "at rest or at unload, when what is owed has not happened",
        "argument" => "in the arguments of a call",
        "irql" => "in the interrupt request level of a call",
        _ => "not while a driver runs",
    }
}

fn checked(enforcement: Enforcement) -> String {
    match enforcement {
        Enforcement::Enforced => "yes".to_owned(),
        Enforcement::Answered => {
            "by the answer of NDIS; nothing is reported, because a correct driver can meet it".to_owned()
        }
        Enforcement::Covered { by, why } => {
            let ids: Vec<&str> = by.iter().map(|rule| rule.id()).collect();
            format!("as {}: {why}", ids.join(", "))
        }
        Enforcement::Waits { needs, why } => format!("not yet, waits for {needs}: {why}"),
        Enforcement::CannotBeSeen => {
            "never: no run can show a breach, only a reader of the source can".to_owned()
        }
    }
}

/// An open question as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct QuestionEntry {
    /// Its id, what is open, and our reading.
    #[serde(flatten)]
    pub question: Reading,
    /// The addresses of the pages concerned.
    pub pages: Vec<String>,
    /// The rules that rest on it.
    pub rules: Vec<&'static str>,
}

impl QuestionEntry {
    /// The entry of a question.
    pub fn of(question: Question) -> QuestionEntry {
        let rests_on = |rule: &&Rule| rule.info().rests_on.contains(&question);
        QuestionEntry {
            question: Reading::of(question),
            pages: question.info().pages.iter().map(|page| page_text(page)).collect(),
            rules: Rule::ALL.iter().filter(rests_on).map(|rule| rule.id()).collect(),
        }
    }
}

/// An open question as a page.
pub fn question_page(question: Question, look: Look) -> String {
    let entry = QuestionEntry::of(question);
    let mut page = Page::new(look, entry.question.id, "an open question of the documentation");
    page.prose(entry.question.about);
    page.item("reading", entry.question.reading);
    for url in &entry.pages {
        page.item("page", url);
    }
    for rule in &entry.rules {
        page.item("rule", rule);
    }
    page.out
}

/// A function as a page.
pub fn ddi_page(ddi: Ddi, look: Look) -> String {
    let entry = DdiEntry::of(ddi);
    let mut page =
        Page::new(look, entry.name, &format!("{}, area {}, NDIS {}", entry.kind, entry.area, entry.ndis));
    page.prose(entry.prototype);
    if let Some(url) = &entry.page {
        page.item("page", url);
    }
    if let Some(export) = entry.export.filter(|export| *export != entry.name) {
        page.item("import", export);
    }
    if !entry.called_by.is_empty() {
        page.item("called by", &entry.called_by.join(", "));
    }
    if !entry.called_on.is_empty() {
        page.item("called on", &entry.called_on.join(", "));
    }
    if let Some(irql) = &entry.irql {
        page.item("level", irql);
    }
    match entry.required {
        Some(true) => page.item("required", "yes"),
        Some(false) => page.item("required", "no"),
        None => {}
    }
    if !entry.returns.is_empty() {
        page.item("returns", &entry.returns.join(", "));
    }
    if let Some(completed_by) = entry.completed_by {
        page.item("pended, completed by", completed_by);
    }
    if !entry.causes.is_empty() {
        page.item("causes", &entry.causes.join(", then "));
    }
    for note in entry.notes {
        page.item("note", note);
    }
    for rule in rules_of(ddi) {
        page.item("rule", &format!("{} ({}): {}", rule.id(), Level::of(rule), rule.info().text));
    }
    page.out
}

/// A heading, prose and labelled items, wrapped.
struct Page {
    out: String,
    look: Look,
}

impl Page {
    fn new(look: Look, title: &str, about: &str) -> Page {
        let out = format!("{} ({about})\n\n", look.paint(paint::STRONG, title));
        Page { out, look }
    }

    fn prose(&mut self, text: &str) {
        for line in wrap(text, self.look.prose_width() - 2) {
            self.out += &format!("  {line}\n");
        }
        self.out.push('\n');
    }

    fn item(&mut self, label: &str, text: &str) {
        let label = format!("  {label}: ");
        let hung = hang(&label, text, self.look.prose_width());
        let (head, rest) = hung.split_at(label.len().min(hung.len()));
        self.out += &self.look.paint(paint::FRAME, head);
        self.out += rest;
    }
}
