//! A broken rule with its evidence: the objects with their history, the trace cut to them, who waits for whom.
//!
//! [`Finding::gather`] collects from the records of one execution; [`Finding::text`] prints in the manner of a compiler's
//! diagnostics, and the value serialises for `--format json`.

use crate::names::{Key, Names, object_handle};
use crate::paint::{self, Look};
use crate::syntax;
use crate::trace::{Show, Writer};
use crate::wrap::hang;
use contract::{Question, Rule, page_url};
use model::record::{Event, Irql, Link, Operation, Record, TaskNumber, WaitsFor};
use model::{
    Call, Callback, Command, Debt, DriverId, HandleArg, Job, Object, OutParameter, Token, Value, Violation,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Where in a driver's image an offset is, in words: `mcm.sys+0x12a4`, or a function with file and line.
    pub site: &'a dyn Fn(DriverId, u32) -> String,
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
    /// The rule as the contract has it, if it is one.
    pub rule: Option<Obligation>,
    /// Where in the driver.
    pub site: Option<String>,
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
        let objects = objects_of(violation, chain);
        let histories = objects.iter().map(|object| history(evidence, *object)).collect();
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
            rule: Some(Obligation::of(violation.rule).about(call.and_then(|call| call.page))),
            site,
            line: line.map(|line| line + 1),
            objects: histories,
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
            (Some(site), None) => Some(site.clone()),
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
        let left_out = self.lines.len().saturating_sub(MOST_LINES);
        for (index, line) in self.lines.iter().enumerate() {
            if left_out > 0 && index == FIRST_LINES {
                *out += &format!("      … {left_out} lines …\n");
            }
            if (FIRST_LINES..FIRST_LINES + left_out).contains(&index) {
                continue;
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
    records[..line].iter().enumerate().rev().filter(|(_, record)| record.task == task).find_map(
        |(index, record)| {
            let (name, page) = match record.event {
                Event::Called(driver, call) if driver == by => {
                    (call.ddi().name(), Some(call.ddi().info().page))
                }
                Event::Kernel(driver, call) if driver == by => (call.routine, None),
                _ => return None,
            };
            Some(LastCall { index, name, page, irql: record.irql, site: record.site })
        },
    )
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

/// The numbers of the lines that concern `objects`, with the handlers and calls around them, and what stuck tasks wait for.
/// `line` and `call`, the driver's last call before it, are always among them.
fn cut(
    evidence: &Evidence<'_>,
    objects: &[Object],
    chain: &[Link],
    line: Option<usize>,
    call: Option<usize>,
) -> Vec<usize> {
    let subject = Subject::new(evidence, objects, chain);
    let mut lines: BTreeSet<usize> = line.into_iter().chain(call).collect();
    // Per task: the lines that opened what is still open, and whether each of them is of interest itself.
    let mut open: BTreeMap<TaskNumber, Vec<(usize, bool)>> = BTreeMap::new();
    for (index, record) in evidence.records.iter().enumerate() {
        let concerned = subject.concerns(record) || line == Some(index);
        let stack = open.entry(record.task).or_default();
        if concerned {
            lines.insert(index);
            lines.extend(stack.iter().map(|(opened, _)| *opened));
        }
        match record.event {
            Event::Called(..) | Event::Invoked(..) | Event::Started(_) | Event::Queued(..) => {
                stack.push((index, concerned));
            }
            Event::Returned(..) | Event::Replied(..) => {
                if stack.pop().is_some_and(|(_, concerned)| concerned) {
                    lines.insert(index);
                }
            }
            Event::Ended => stack.clear(),
            Event::Commanded(_)
            | Event::Published(..)
            | Event::Waiting(..)
            | Event::Kernel(..)
            | Event::Printed(..)
            | Event::Edge(..)
            | Event::Warned(_)
            | Event::Violated(_) => {}
        }
    }
    lines.into_iter().map(|index| index + 1).collect()
}

/// What a cut of a trace is about.
struct Subject<'a> {
    names: &'a Names,
    objects: &'a [Object],
    keys: BTreeSet<Key>,
    /// The contexts that drivers gave NDIS for the objects.
    contexts: BTreeSet<Token>,
    /// What stuck tasks wait for.
    awaited: BTreeSet<Token>,
    stuck: BTreeSet<TaskNumber>,
}

impl<'a> Subject<'a> {
    fn new(evidence: &Evidence<'a>, objects: &'a [Object], chain: &[Link]) -> Subject<'a> {
        let names = evidence.names;
        let keys =
            objects.iter().filter_map(|object| object_handle(*object)).filter_map(|handle| names.key(handle));
        let mut subject = Subject {
            names,
            objects,
            keys: keys.collect(),
            contexts: BTreeSet::new(),
            awaited: BTreeSet::new(),
            stuck: BTreeSet::new(),
        };
        for link in chain {
            if let Link::Task(task, _, _, waits_for) = link {
                subject.stuck.insert(*task);
                if let WaitsFor::Object(token) = waits_for {
                    subject.awaited.insert(*token);
                }
            }
        }
        subject.find_contexts(evidence.records);
        subject
    }

    /// Contexts are given in the same call as a handle, or in the call or callback whose handle comes a little later.
    fn find_contexts(&mut self, records: &[Record]) {
        let mut opening: BTreeMap<TaskNumber, Token> = BTreeMap::new();
        let mut offered: BTreeMap<TaskNumber, HandleArg> = BTreeMap::new();
        for record in records {
            match record.event {
                Event::Called(_, Call::ClOpenAddressFamilyEx { af_context, .. }) => {
                    opening.insert(record.task, af_context);
                }
                Event::Called(_, Call::OpenAdapterEx { binding_context, bind_context, .. })
                    if self.is_handle(bind_context) =>
                {
                    self.context(binding_context);
                }
                Event::Called(_, Call::MSetMiniportAttributes { adapter, attributes })
                    if self.is_handle(adapter) =>
                {
                    self.context(attributes.context);
                }
                Event::Published(_, OutParameter::AddressFamily(af)) if self.is_handle(af.into()) => {
                    if let Some(context) = opening.get(&record.task) {
                        self.context(*context);
                    }
                }
                Event::Invoked(_, Callback::CmOpenAf { af, .. }) => {
                    offered.insert(record.task, af.into());
                }
                Event::Replied(_, contract::Ddi::ProtocolCmOpenAf, reply)
                    if offered.remove(&record.task).is_some_and(|af| self.is_handle(af)) =>
                {
                    self.context(reply.context);
                }
                _ => {}
            }
        }
    }

    fn context(&mut self, token: Token) {
        if token != Token::NULL {
            self.contexts.insert(token);
        }
    }

    fn is_handle(&self, handle: HandleArg) -> bool {
        match handle {
            HandleArg::Known(handle) => self.names.key(handle).is_some_and(|key| self.keys.contains(&key)),
            HandleArg::Null | HandleArg::Unknown(_) => false,
        }
    }

    fn is_object(&self, object: Object) -> bool {
        self.objects.contains(&object)
    }

    fn concerns(&self, record: &Record) -> bool {
        match record.event {
            Event::Called(_, call) => self.any(|see| call.each_argument(see)),
            Event::Invoked(_, callback) => self.any(|see| callback.each_argument(see)),
            Event::Published(_, out) => match out {
                OutParameter::DriverHandle(handle)
                | OutParameter::Binding(handle, _)
                | OutParameter::AddressFamily(handle) => self.is_handle(handle.into()),
                _ => panic!("TEMPORARY"),
            },
            Event::Edge(object, _, _) => self.is_object(object),
            Event::Warned(violation) | Event::Violated(violation) => self.is_object(violation.object),
            Event::Commanded(command) => self.commanded(command),
            Event::Started(job) => self.started(job),
            Event::Kernel(_, call) => match call.operation {
                Operation::Wait(token, _) | Operation::Acquire { lock: token, .. } => {
                    self.awaited.contains(&token) && self.stuck.contains(&record.task)
                }
                Operation::Set(token) | Operation::Reset(token) => self.awaited.contains(&token),
                Operation::Initialize(..)
                | Operation::Read(_)
                | Operation::Release { .. }
                | Operation::Queue(_)
                | Operation::Arm { .. }
                | Operation::Cancel(_)
                | Operation::Allocate(..)
                | Operation::Free(_)
                | Operation::RaiseIrql(_)
                | Operation::LowerIrql(_)
                | Operation::Sleep(_)
                | Operation::Other => false,
            },
            Event::Waiting(..) => self.stuck.contains(&record.task),
            Event::Queued(..)
            | Event::Ended
            | Event::Returned(..)
            | Event::Replied(..)
            | Event::Printed(..) => false,
        }
    }

    /// Whether one of the arguments is one of the objects.
    fn any(&self, each: impl FnOnce(&mut dyn FnMut(&'static str, Value))) -> bool {
        let mut found = false;
        each(&mut |_, value| {
            found |= match value {
                Value::Handle(handle) => self.is_handle(handle),
                Value::Token(token) => self.contexts.contains(&token),
                Value::Driver(driver) => self.is_object(Object::Driver(driver)),
                Value::Adapter(adapter) => self.is_object(Object::Adapter(adapter)),
                Value::Status(_)
                | Value::AddressFamily(_)
                | Value::Characteristics(_)
                | Value::OptionalHandlers(_)
                | Value::OpenParameters(_)
                | Value::Attributes(_)
                | Value::NetEvent(_)
                | Value::DeviceEvent(_)
                | Value::HaltAction(_) => false,
                _ => panic!("TEMPORARY"),
            }
        });
        found
    }

    fn commanded(&self, command: Command) -> bool {
        match command {
            Command::Load(driver) | Command::Uninstall(driver) | Command::Unload(driver) => {
                self.is_object(Object::Driver(driver))
            }
            Command::Start(adapter)
            | Command::Stop(adapter)
            | Command::SurpriseRemove(adapter)
            | Command::SetPower(adapter, _) => self.is_object(Object::Adapter(adapter)),
            Command::Unbind(driver, adapter)
            | Command::Bind(driver, adapter)
            | Command::NetPnPEvent(driver, adapter, _) => {
                self.is_object(Object::Driver(driver)) || self.is_object(Object::Adapter(adapter))
            }
        }
    }

    fn started(&self, job: Job) -> bool {
        match job {
            Job::Load(driver) | Job::Uninstall(driver) | Job::Unload(driver) => {
                self.is_object(Object::Driver(driver))
            }
            Job::Initialize(adapter)
            | Job::PauseMiniport(adapter)
            | Job::RestartMiniport(adapter)
            | Job::SurpriseRemoved(adapter)
            | Job::Halt(adapter) => self.is_object(Object::Adapter(adapter)),
            Job::Bind(driver, adapter) => {
                self.is_object(Object::Driver(driver)) || self.is_object(Object::Adapter(adapter))
            }
            Job::OpenAdapterComplete(binding)
            | Job::NetPnPEvent(binding, _)
            | Job::Unbind(binding)
            | Job::CloseAdapterComplete(binding) => self.is_object(Object::Binding(binding)),
            Job::AfRegisterNotify(binding, registration) => {
                self.is_object(Object::Binding(binding)) || self.is_object(Object::Registration(registration))
            }
            Job::OpenAfComplete(af) | Job::NotifyCloseAf(af) => self.is_object(Object::Af(af)),
        }
    }
}
