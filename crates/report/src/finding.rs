//! A broken rule with its evidence: the objects with their history, the trace cut to them, who waits for whom.
//!
//! [`Finding::gather`] collects from the records of one execution; [`Finding::text`] prints in the manner of a compiler's
//! diagnostics, and the value serialises for `--format json`.

use crate::names::Names;
use crate::paint::{self, Look};
use crate::subject::{cut, left_on, with_related};
use crate::syntax;
use crate::trace::{Show, Writer};
use crate::wrap::hang;
use contract::{Question, Rule, page_url};
use model::record::{Event, Irql, Link, Record, WaitsFor};
use model::{Debt, DriverId, Object, Violation};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use verify::level::Level;

/// How many lines of a trace a finding prints at most.
const MOST_LINES: usize = 60;
/// How many of them are the first ones.
const FIRST_LINES: usize = 12;

/// How many pages a finding prints at most.
const MOST_PAGES: usize = 4;

/// One execution, as findings draw on it.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Its records, in order.
    pub records: &'a [Record],
    /// What drivers printed.
    pub texts: &'a [String],
    /// The names, with all records learnt.
    pub names: &'a Names,
    /// The place in a driver from which the call came that returns to an offset of its image.
    pub site: &'a dyn Fn(DriverId, u32) -> Place,
}

/// A place in a driver's code. As text: `mcm.sys+0x12a4 (CloseAf, mcm.c:120)`, with what the debug information knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    /// The driver's file, without folders.
    pub module: String,
    /// The offset into its image; of a call, that to which it returns.
    pub offset: u32,
    /// The function.
    pub function: Option<String>,
    /// The source file, as the compiler was given it.
    pub file: Option<String>,
    /// The line in it.
    pub line: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:#x}", self.module, self.offset)?;
        let source = self.file.as_ref().map(|file| match self.line {
            Some(line) => format!("{file}:{line}"),
            None => file.clone(),
        });
        match (self.function.as_deref(), source.as_deref()) {
            (Some(function), Some(source)) => write!(f, " ({function}, {source})"),
            (Some(known), None) | (None, Some(known)) => write!(f, " ({known})"),
            (None, None) => Ok(()),
        }
    }
}

/// A place as two members: `site`, in words, and `place`, by its parts.
fn site<S: serde::Serializer>(place: &Option<Place>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Site<'a> {
        site: Option<String>,
        place: Option<&'a Place>,
    }
    Site { site: place.as_ref().map(Place::to_string), place: place.as_ref() }.serialize(serializer)
}

/// A broken rule, or another reason for complaint, with its evidence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The id of the rule, or a word for what has no rule: `crash`, `expectation`.
    pub id: String,
    /// How grave it is.
    #[serde(serialize_with = "crate::json::level")]
    pub level: Level,
    /// The driver that broke it, if one did.
    pub by: Option<String>,
    /// What exactly happened, in one line.
    pub message: String,
    /// What tells it from other findings of the same id and driver; of a broken rule it names no objects.
    pub offence: String,
    /// The rule as the contract has it, if it is one.
    pub rule: Option<Obligation>,
    /// Where in the driver.
    #[serde(flatten, serialize_with = "site")]
    pub site: Option<Place>,
    /// The line of the trace at which it happened; none for what has not happened.
    pub line: Option<usize>,
    /// The objects concerned.
    pub objects: Vec<History>,
    /// The numbers of the trace's lines that concern them.
    pub lines: Vec<usize>,
    /// Who waits for whom, one link a line.
    pub chain: Vec<String>,
    /// How to see it again.
    pub replay: Option<String>,
}

/// What the contract says of a broken rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Obligation {
    /// The rule in a sentence or two.
    pub text: &'static str,
    /// The addresses of the pages that say so.
    pub pages: Vec<String>,
    /// The status that answers a breach, if one does.
    pub refusal: Option<&'static str>,
    /// The open questions that it rests on.
    pub rests_on: Vec<Reading>,
}

/// An open question as we read it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reading {
    /// Its id.
    pub id: &'static str,
    /// What is open.
    pub about: &'static str,
    /// Our reading.
    pub reading: &'static str,
}

impl Reading {
    /// The reading of a question.
    pub fn of(question: Question) -> Reading {
        let info = question.info();
        Reading { id: info.id, about: info.about, reading: info.reading }
    }
}

impl Obligation {
    /// What the contract says of `rule`.
    pub fn of(rule: Rule) -> Obligation {
        let info = rule.info();
        Obligation {
            text: info.text,
            pages: info.pages.iter().filter_map(|page| page_url(page)).map(|url| url.to_string()).collect(),
            refusal: info.refusal,
            rests_on: info.rests_on.iter().map(|question| Reading::of(*question)).collect(),
        }
    }

    /// With this page, if it is one of them, before the others.
    fn about(mut self, page: Option<&str>) -> Obligation {
        let url = page.and_then(page_url).map(|url| url.to_string());
        if let Some(at) = url.and_then(|url| self.pages.iter().position(|page| *page == url)) {
            self.pages[..=at].rotate_right(1);
        }
        self
    }
}

/// The life of one object as far as a trace tells it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct History {
    /// Its name.
    pub object: String,
    /// Its states.
    pub edges: Vec<Edge>,
}

/// One change of state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Edge {
    /// The line of the trace.
    pub line: usize,
    /// The state it left.
    pub from: &'static str,
    /// The state it entered.
    pub to: &'static str,
}

impl Finding {
    /// A complaint without a rule: `id` is a word for its kind.
    pub fn other(id: &str, level: Level, by: Option<String>, message: String) -> Finding {
        Finding {
            id: id.to_owned(),
            level,
            by,
            offence: message.clone(),
            message,
            rule: None,
            site: None,
            line: None,
            objects: Vec::new(),
            lines: Vec::new(),
            chain: Vec::new(),
            replay: None,
        }
    }

    /// Collects the evidence for a broken rule.
    pub fn gather(evidence: &Evidence<'_>, violation: Violation, chain: &[Link], level: Level) -> Finding {
        let names = evidence.names;
        let line = evidence.records.iter().rposition(
            |record| matches!(record.event, Event::Violated(seen) | Event::Warned(seen) if seen == violation),
        );
        let call = line.and_then(|line| last_call(evidence.records, violation.by, line));
        let site = line.and_then(|line| evidence.records[line].site).or(call.and_then(|call| call.site));
        let site = site.map(|offset| (evidence.site)(violation.by, offset));
        let named = objects_of(violation, chain);
        let objects = with_related(evidence.records, &named);
        let mut told = objects.clone();
        if let Object::Af(af) = violation.object {
            told.extend(left_on(evidence, af).into_iter().filter(|object| !objects.contains(object)));
        }
        let histories = told.iter().map(|object| (object, history(evidence, *object)));
        let told = histories.filter(|(object, history)| named.contains(object) || !history.edges.is_empty());
        let object = names.name(violation.object);
        let by = names.driver(violation.by);
        let mut message = match violation.offence {
            "" => format!("{by} broke a rule on {object}"),
            // A driver as the object is the one that broke the rule, and need not be named twice.
            offence if violation.object == Object::Driver(violation.by) => format!("{by}: {offence}"),
            offence => format!("{by}: {object}: {offence}"),
        };
        if let Some(call) = call.filter(|call| line.is_some_and(|line| is_open(evidence.records, call, line)))
        {
            message += &format!(" (in {}{})", call.name, at_level(call.irql));
        }
        Finding {
            id: violation.rule.id().to_owned(),
            level,
            by: Some(by.to_owned()),
            message,
            offence: violation.offence.to_owned(),
            rule: Some(Obligation::of(violation.rule).about(call.and_then(|call| call.page))),
            site,
            line: line.map(|line| line + 1),
            objects: told.map(|(_, history)| history).collect(),
            lines: cut(evidence, &objects, chain, line, call.map(|call| call.index)),
            chain: chain.iter().map(|link| link_text(names, *link, violation.rule)).collect(),
            replay: None,
        }
    }

    /// The finding as text, in the manner of a compiler's diagnostics, ending with an empty line.
    pub fn text(&self, evidence: &Evidence<'_>, look: Look) -> String {
        let style = match self.level {
            Level::Error => paint::ERROR,
            Level::Warning => paint::WARNING,
            Level::Note => paint::NOTE,
        };
        let head = look.paint(style, &format!("{}[{}]", self.level, self.id));
        let mut out = format!("{head}{}\n", look.paint(paint::STRONG, &format!(": {}", self.message)));
        let place = match (&self.site, self.line) {
            (Some(site), Some(line)) => Some(format!("{site}, line {line} of the trace")),
            (Some(site), None) => Some(site.to_string()),
            (None, Some(line)) => Some(format!("line {line} of the trace")),
            (None, None) => None,
        };
        if let Some(place) = place {
            out += &format!("  {} {place}\n", look.paint(paint::FRAME, "-->"));
        }
        if let Some(rule) = &self.rule {
            self.push_rule(&mut out, rule, look);
        }
        self.push_objects(&mut out, look);
        self.push_trace(&mut out, evidence, look);
        if !self.chain.is_empty() {
            out += &section(look, "who waits for whom");
            for (index, link) in self.chain.iter().enumerate() {
                out += &hang(if index == 0 { "      " } else { "   -> " }, link, look.prose_width());
            }
        }
        if let Some(replay) = &self.replay {
            out += &section(look, "replay");
            out += &format!("      {replay}\n");
        }
        out.push('\n');
        out
    }

    /// The numbers of the lines of the trace to print: the first ones, how many are left out after them, and the last ones.
    pub(crate) fn quoted(&self) -> (&[usize], usize, &[usize]) {
        let left_out = self.lines.len().saturating_sub(MOST_LINES);
        let (first, rest) = self.lines.split_at(FIRST_LINES.min(self.lines.len()));
        (first, left_out, &rest[left_out..])
    }

    fn push_rule(&self, out: &mut String, rule: &Obligation, look: Look) {
        let width = look.prose_width();
        let mut push = |label: &str, text: &str| {
            let lines = hang(&format!("   = {label}: "), text, width);
            let (sign, rest) = lines.split_at(4);
            *out += &format!("{}{rest}", look.paint(paint::FRAME, sign));
        };
        push("rule", rule.text);
        for page in rule.pages.iter().take(MOST_PAGES) {
            push("page", page);
        }
        if rule.pages.len() > MOST_PAGES {
            let more = rule.pages.len() - MOST_PAGES;
            push("page", &format!("and {more} more: condis explain {}", self.id));
        }
        if let Some(refusal) = rule.refusal {
            push("answer", &format!("the documentation answers a breach with {refusal}"));
        }
        for question in &rule.rests_on {
            push("open question", &format!("{}: {}", question.id, question.about));
            push("our reading", question.reading);
        }
    }

    fn push_objects(&self, out: &mut String, look: Look) {
        if self.objects.iter().all(|history| history.edges.is_empty()) {
            return;
        }
        *out += &section(look, "objects");
        for history in self.objects.iter().filter(|history| !history.edges.is_empty()) {
            let mut line = format!("      {}:", history.object);
            for (index, edge) in history.edges.iter().enumerate() {
                let state = match index {
                    0 => format!(" {} -> {} (line {})", edge.from, edge.to, edge.line),
                    _ => format!(" -> {} (line {})", edge.to, edge.line),
                };
                line += &state;
            }
            let indent = " ".repeat(6 + history.object.chars().count() + 2);
            for (index, part) in crate::wrap::wrap(&line, look.prose_width() - 10).iter().enumerate() {
                *out += &format!("{}{part}\n", if index == 0 { "      " } else { &indent });
            }
        }
    }

    fn push_trace(&self, out: &mut String, evidence: &Evidence<'_>, look: Look) {
        if self.lines.is_empty() {
            return;
        }
        *out += &section(look, "trace, cut to these objects");
        let writer = Writer::new(evidence.names.clone(), look, Show { edges: true, kernel: true });
        let (first, left_out, last) = self.quoted();
        for (index, line) in first.iter().chain(last).enumerate() {
            if left_out > 0 && index == first.len() {
                *out += &format!("      … {left_out} lines …\n");
            }
            let record = &evidence.records[line - 1];
            *out += &writer.line(*line, record, evidence.texts).unwrap_or_default();
        }
    }
}

fn section(look: Look, title: &str) -> String {
    format!("  {} {}:\n", look.paint(paint::FRAME, "::"), look.paint(paint::STRONG, title))
}

/// A call of NDIS or of the kernel.
#[derive(Clone, Copy)]
struct LastCall {
    index: usize,
    name: &'static str,
    page: Option<&'static str>,
    irql: Irql,
    site: Option<u32>,
}

/// The last call that the driver made on the line's task before it.
fn last_call(records: &[Record], by: DriverId, line: usize) -> Option<LastCall> {
    let task = records[line].task;
    let on_task = records[..line].iter().enumerate().rev().filter(|(_, record)| record.task == task);
    let mut later = false;
    for (index, record) in on_task {
        let (name, page) = match record.event {
            Event::Called(driver, call) if driver == by => (call.ddi().name(), Some(call.ddi().info().page)),
            // A call of the kernel is over with its record.
            Event::Kernel(driver, call) if driver == by && !later => (call.routine, None),
            // What came before a return is not what broke the rule: the return is.
            Event::Returned(driver, ..) | Event::Replied(driver, ..) if driver == by => return None,
            _ => {
                later = true;
                continue;
            }
        };
        return Some(LastCall { index, name, page, irql: record.irql, site: record.site });
    }
    None
}

/// Whether the line's task is still inside the call: nothing has returned since.
fn is_open(records: &[Record], call: &LastCall, line: usize) -> bool {
    let task = records[line].task;
    let since = records[call.index + 1..line].iter().filter(|record| record.task == task);
    let mut since = since.filter(|record| !matches!(record.event, Event::Edge(..) | Event::Published(..)));
    since.next().is_none()
}

/// The level of a call where it is not the usual one.
fn at_level(irql: Irql) -> String {
    if irql == Irql::PASSIVE { String::new() } else { format!(", at {}", irql.name()) }
}

/// The objects that a violation and its chain name, each once.
fn objects_of(violation: Violation, chain: &[Link]) -> Vec<Object> {
    let mut objects = vec![violation.object];
    for link in chain {
        if let Link::Debt(debt) = link {
            objects.push(debt.object);
            objects.extend(debt.waits_for);
        }
    }
    let mut seen = BTreeSet::new();
    objects.retain(|object| seen.insert(*object));
    objects
}

fn history(evidence: &Evidence<'_>, object: Object) -> History {
    let edges = evidence.records.iter().enumerate().filter_map(|(index, record)| match record.event {
        Event::Edge(seen, from, to) if seen == object => Some(Edge { line: index + 1, from, to }),
        _ => None,
    });
    History { object: evidence.names.name(object), edges: edges.collect() }
}

/// One link; `broken` is the rule that the finding is about, which need not be told again.
fn link_text(names: &Names, link: Link, broken: Rule) -> String {
    match link {
        Link::Task(task, driver, handler, waits_for) => {
            let place = handler.map_or("a routine of its own".to_owned(), |ddi| ddi.to_string());
            let what = match waits_for {
                WaitsFor::Object(token) => names.token(token),
                WaitsFor::Ndis(condition) => format!("NDIS, until {}", syntax::condition(names, condition)),
            };
            format!("T{}: {} is in {place} and waits for {what}", task.0, names.driver(driver))
        }
        Link::Debt(debt) => debt_text(names, debt, broken),
    }
}

/// `mcm owes af1 what …`
fn debt_text(names: &Names, debt: Debt, broken: Rule) -> String {
    let (driver, object) = (names.driver(debt.by), names.name(debt.object));
    let mut text = if debt.rule == broken {
        format!("{driver} owes {object} what the rule says")
    } else {
        format!("{driver} owes {object} what {} says: {}", debt.rule, debt.rule.info().text)
    };
    if let Some(object) = debt.waits_for {
        text += &format!(" (waits for {})", names.name(object));
    }
    text
}
