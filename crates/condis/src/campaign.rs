//! Many executions of one plan: what they show between them, each distinct finding once.

use crate::judge::{Breach, CrashText, Detail, Undecided, Verdict, judge, leak_text};
use crate::plan::Plan;
use crate::session::{Recording, Session, SessionError};
use crate::token::Token;
use contract::{Ddi, Rule, Status};
use engine::strategy::{Fifo, Pct, Pos, Random};
use engine::{Difference, Ending, Outcome, ReplayError, Strategy};
use model::record::{Event, Record, TaskNumber};
use model::{AdapterId, DriverId, Job, Object, StopOrder};
use report::finding::{Evidence, Finding};
use report::{Level, Look};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// How many executions are compared with the strict stop order at most.
const COMPARED: u64 = 200;

/// In which orders to execute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// First in, first out: always the same order.
    Fifo,
    /// A random walk, from this seed on.
    Random(u64),
    /// Probabilistic concurrency testing: random priorities that change at a few points.
    Pct(u64),
    /// Partial order sampling: random ranks of operations, drawn anew on conflict.
    Pos(u64),
    /// These three by turns: none of them finds everything fastest.
    Portfolio(u64),
}

impl Order {
    /// The strategy of the `number`-th execution.
    fn strategy(self, number: u64) -> Box<dyn Strategy> {
        match self {
            Order::Fifo => Box::new(Fifo),
            Order::Random(seed) => Box::new(Random::new(seed.wrapping_add(number))),
            Order::Pct(seed) => Box::new(Pct::new(seed.wrapping_add(number))),
            Order::Pos(seed) => Box::new(Pos::new(seed.wrapping_add(number))),
            Order::Portfolio(seed) => {
                let member = [Order::Random(seed), Order::Pct(seed), Order::Pos(seed)][(number % 3) as usize];
                member.strategy(number / 3)
            }
        }
    }
}

/// A distinct finding.
#[derive(Clone, Debug)]
pub struct Found {
    /// The finding, with its evidence from the first execution that showed it.
    pub finding: Finding,
    /// Whether it is a bug of ours: it breaks a rule that binds NDIS.
    pub ours: bool,
    /// How many executions showed it.
    pub count: u64,
    /// The number of the last of them.
    last: u64,
    /// The first of them as a token.
    pub token: Token,
    recording: Recording,
    key: Key,
}

/// What makes two findings the same.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Key {
    Rule(Rule, DriverId, &'static str),
    Other(String, String),
}

impl Found {
    /// The finding as text.
    pub fn text(&self, look: Look) -> String {
        self.with_evidence(|evidence| self.finding.text(evidence, look))
    }

    /// Calls `use_it` with the execution that the finding's evidence is from.
    pub fn with_evidence<T>(&self, use_it: impl FnOnce(&Evidence<'_>) -> T) -> T {
        self.recording.with_evidence(use_it)
    }
}

/// A reason for no verdict.
#[derive(Clone, Debug)]
pub struct Unjudged {
    /// The reason.
    pub reason: Undecided,
    /// It in words.
    pub text: String,
    /// How many executions ended so.
    pub count: u64,
    /// The first of them.
    pub token: Token,
}

/// What all executions show.
#[derive(Clone, Debug, Default)]
pub struct Campaign {
    /// How many there were.
    pub executions: u64,
    /// How many of them showed nothing at all.
    pub clean: u64,
    /// Distinct findings, in the order in which they came up.
    pub found: Vec<Found>,
    /// Executions without a verdict.
    pub unjudged: Vec<Unjudged>,
    /// Bugs of our own that are no findings: panics, differences between executions that should be the same.
    pub bugs: Vec<String>,
    /// Whether some execution ended with timers that did nothing any more.
    pub ticking: bool,
    /// Whether the user stopped it before all executions were made.
    pub interrupted: bool,
    /// What of the world the executions reached.
    reached: Reached,
    /// The first execution.
    pub first: Option<Recording>,
}

impl Campaign {
    /// The exit code: 101 for a bug of ours, 1 for errors and warnings, 3 for what could not be judged, 130 for a campaign
    /// that was interrupted, else 0.
    pub fn exit_code(&self) -> u8 {
        if !self.bugs.is_empty() || self.found.iter().any(|found| found.ours) {
            101
        } else if self.found.iter().any(|found| found.finding.level >= Level::Warning) {
            1
        } else if !self.unjudged.is_empty() {
            3
        } else if self.interrupted {
            INTERRUPTED
        } else {
            0
        }
    }

    /// What silence does not speak of: drivers and adapters of `plan` that never came up, address families that nobody
    /// opened. Empty if there is a finding or an execution without a verdict, for then there is no silence.
    pub fn remarks(&self, plan: &Plan) -> Vec<String> {
        if self.executions == 0
            || !self.found.is_empty()
            || !self.unjudged.is_empty()
            || !self.bugs.is_empty()
        {
            return Vec::new();
        }
        self.reached.remarks(plan)
    }
}

/// What a shell reports of a program that an interrupt has ended.
const INTERRUPTED: u8 = 130;

/// What of the world some execution reached.
#[derive(Clone, Debug, Default)]
struct Reached {
    registered: BTreeSet<DriverId>,
    up: BTreeSet<AdapterId>,
    opened: bool,
    /// The first failure of each driver's entry, and of each adapter's initialization.
    failed: Vec<(Object, Status)>,
}

impl Reached {
    fn look(&mut self, records: &[Record]) {
        let mut initializing: BTreeMap<TaskNumber, AdapterId> = BTreeMap::new();
        for record in records {
            match record.event {
                Event::Edge(Object::Driver(driver), _, "registered") => {
                    self.registered.insert(driver);
                }
                Event::Edge(Object::Adapter(adapter), "initializing", "paused") => {
                    self.up.insert(adapter);
                }
                Event::Edge(Object::Af(_), _, "open") => self.opened = true,
                Event::Started(Job::Initialize(adapter)) => {
                    initializing.insert(record.task, adapter);
                }
                Event::Replied(driver, Ddi::DriverEntry, reply) => {
                    self.fail(Object::Driver(driver), reply.status)
                }
                Event::Replied(_, Ddi::MiniportInitializeEx, reply) => {
                    if let Some(adapter) = initializing.get(&record.task) {
                        self.fail(Object::Adapter(*adapter), reply.status);
                    }
                }
                _ => {}
            }
        }
    }

    fn fail(&mut self, object: Object, status: Status) {
        if status != Status::SUCCESS && !self.failed.iter().any(|(failed, _)| *failed == object) {
            self.failed.push((object, status));
        }
    }

    fn remarks(&self, plan: &Plan) -> Vec<String> {
        let returned = |object, routine: &str| {
            let failed = self.failed.iter().find(|(failed, _)| *failed == object);
            failed.map(|(_, status)| format!(": {routine} returned {status}")).unwrap_or_default()
        };
        let mut remarks = Vec::new();
        for (driver, id) in plan.drivers.iter().zip((0..).map(DriverId)) {
            if !self.registered.contains(&id) {
                let why = returned(Object::Driver(id), "DriverEntry");
                remarks.push(format!("{} never registered with NDIS{why}", driver.name));
            }
        }
        for (adapter, id) in plan.adapters.iter().zip((0..).map(AdapterId)) {
            if !self.up.contains(&id) {
                let why = returned(Object::Adapter(id), "MiniportInitializeEx");
                remarks.push(format!("{} never came up{why}", adapter.name));
            }
        }
        if !self.opened {
            remarks.push("no address family was opened".to_owned());
        }
        remarks
    }
}

/// Executes `plan` as often as it says, and tells `progress` after each execution, which may end it. The first execution is
/// made twice, to see that it depends on nothing but its order.
///
/// # Errors
/// The drivers cannot be brought to life.
pub fn run(
    plan: &Plan,
    order: Order,
    executions: u64,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Campaign, SessionError> {
    let mut campaign = Campaign::default();
    {
        let mut session = Session::new(plan)?;
        for number in 0..executions {
            let mut strategy = order.strategy(number);
            let outcome = match number {
                0 => match session.run_twice(strategy.as_mut()) {
                    Ok(outcome) => outcome,
                    Err(difference) => {
                        if !is_cut_off(&difference) {
                            campaign.bugs.push(format!(
                                "two executions in the same order differ at line {} of the trace",
                                difference.index + 1
                            ));
                        }
                        let [outcome, _] = difference.outcomes;
                        outcome
                    }
                },
                _ => session.run(strategy.as_mut()),
            };
            campaign.add(&session, &outcome);
            if progress(number + 1).is_break() {
                campaign.interrupted = number + 1 < executions;
                break;
            }
        }
    }
    if plan.world.stop_order == StopOrder::Overlapped && campaign.found.iter().any(Found::may_need_overlapped)
    {
        campaign.compare_with_strict(plan, order, executions.min(COMPARED))?;
    }
    Ok(campaign)
}

/// Executes `plan` once more as `token` says.
///
/// # Errors
/// Outer: the drivers cannot be brought to life. Inner: the token's order does not fit.
pub fn replay(plan: &Plan, token: &Token) -> Result<Result<Campaign, ReplayError>, SessionError> {
    let mut session = Session::new(plan)?;
    let outcome = match session.replay(&token.schedule) {
        Ok(outcome) => outcome,
        Err(error) => return Ok(Err(error)),
    };
    let mut campaign = Campaign::default();
    campaign.add(&session, &outcome);
    Ok(Ok(campaign))
}

impl Found {
    /// Whether the level could be that of a finding which needs the stop order `overlapped`.
    fn may_need_overlapped(&self) -> bool {
        self.finding.level > Level::Note && matches!(self.key, Key::Rule(..))
    }
}

impl Campaign {
    /// Adds what the last execution of `session` shows.
    fn add(&mut self, session: &Session<'_>, outcome: &Outcome) {
        self.executions += 1;
        let verdict = judge(session, outcome);
        self.ticking |= verdict.ticking;
        self.reached.look(session.records());
        let Verdict { breaches, others, undecided, panic, .. } = verdict;
        if breaches.is_empty() && others.is_empty() && undecided.is_none() && panic.is_none() {
            self.clean += 1;
        }
        if self.first.is_none() {
            self.first = Some(session.recording());
        }
        let token = || Token::new(session.plan(), session.schedule().clone());
        for breach in breaches {
            let violation = breach.violation;
            let key = Key::Rule(violation.rule, violation.by, violation.offence);
            let ours = breach.is_ours();
            self.find(key, ours, session, |recording| evidence(session, recording, &breach));
        }
        for other in others {
            let key = Key::Other(other.id.clone(), other.message.clone());
            self.find(key, false, session, |_| other);
        }
        if let Some(reason) = undecided {
            match self.unjudged.iter_mut().find(|unjudged| unjudged.reason.is_like(&reason)) {
                Some(known) => known.count += 1,
                None => {
                    let name = |driver: DriverId| session.plan().drivers[usize::from(driver.0)].name.clone();
                    let text = reason.text(name);
                    self.unjudged.push(Unjudged { reason, text, count: 1, token: token() });
                }
            }
        }
        if let Some(panic) = panic
            && !self.bugs.contains(&panic)
        {
            self.bugs.push(panic);
        }
    }

    fn find(
        &mut self,
        key: Key,
        ours: bool,
        session: &Session<'_>,
        finding: impl FnOnce(&Recording) -> Finding,
    ) {
        if let Some(found) = self.found.iter_mut().find(|found| found.key == key) {
            // One mistake may show on several objects of one execution.
            if found.last != self.executions {
                (found.count, found.last) = (found.count + 1, self.executions);
            }
            return;
        }
        let recording = session.recording();
        let finding = finding(&recording);
        let token = Token::new(session.plan(), recording.schedule.clone());
        self.found.push(Found { finding, ours, count: 1, last: self.executions, token, recording, key });
    }

    /// A finding that comes up in the strict stop order, too, does not need the other one; all others become notes.
    fn compare_with_strict(
        &mut self,
        plan: &Plan,
        order: Order,
        executions: u64,
    ) -> Result<(), SessionError> {
        let mut strict = plan.clone();
        strict.world.stop_order = StopOrder::Strict;
        let mut session = Session::new(&strict)?;
        let mut without: BTreeSet<(Rule, DriverId)> = BTreeSet::new();
        for number in 0..executions {
            let outcome = session.run(order.strategy(number).as_mut());
            let breaches = judge(&session, &outcome).breaches;
            without.extend(breaches.iter().map(|breach| (breach.violation.rule, breach.violation.by)));
        }
        for found in &mut self.found {
            if let Key::Rule(rule, by, _) = found.key
                && found.finding.level > Level::Note
                && !without.contains(&(rule, by))
            {
                let circumstances = report::Circumstances { needs_overlapped: true, ..Default::default() };
                // The user's own setting of the rule still counts.
                found.finding.level = plan.levels.judge(rule, circumstances).unwrap_or(Level::Note);
            }
        }
        Ok(())
    }
}

/// Whether the watchdog has ended one of the executions: where it cuts in does not repeat.
fn is_cut_off(difference: &Difference) -> bool {
    difference.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Ended(Ending::Hung { .. })))
}

/// A breach with its evidence.
fn evidence(session: &Session<'_>, recording: &Recording, breach: &Breach) -> Finding {
    let mut finding = recording
        .with_evidence(|evidence| Finding::gather(evidence, breach.violation, &breach.chain, breach.level));
    let who = |driver: DriverId| session.plan().drivers[usize::from(driver.0)].name.as_str();
    match &breach.detail {
        Detail::None => {}
        Detail::Crash(crash) => {
            finding.message = format!("{}: {}", who(crash.by), CrashText { crash, session });
            let code = session.code_at(crash.ip);
            finding.site = code.map(|(driver, offset)| recording.place(driver, offset));
            finding.line = Some(recording.records.len());
            let around = recording.records.len().saturating_sub(20);
            finding.lines = (around + 1..=recording.records.len()).collect();
        }
        Detail::Leak(blocks) => {
            let by = breach.violation.by;
            let leaked = leak_text(blocks, |offset| recording.site(by, offset).to_string());
            finding.message = format!("{}: {}: {leaked}", who(by), breach.violation.offence);
            finding.site =
                blocks.iter().find_map(|block| block.site).map(|offset| recording.site(by, offset));
        }
    }
    finding
}
