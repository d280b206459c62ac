//! What an execution shows: findings with their levels, what could not be judged, and bugs of our own.

use crate::expect;
use crate::session::Session;
use contract::{Ddi, Rule};
use engine::{Crash, Ending, Limit, Limits, Outcome};
use host::{Block, tag_text};
use model::record::{Event, Link};
use model::{DriverId, Object, Violation};
use report::finding::Finding;
use report::{Circumstances, Level};
use std::fmt;

/// A broken rule in one execution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// Who broke what.
    pub violation: Violation,
    /// Who waits for whom because of it.
    pub chain: Vec<Link>,
    /// How it came to light.
    pub circumstances: Circumstances,
    /// How grave it is.
    pub level: Level,
    /// What else there is to say.
    pub detail: Detail,
}

/// What a breach has beside its rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Detail {
    /// Nothing.
    None,
    /// A crash, as the processor tells it.
    Crash(Box<Crash>),
    /// Blocks of memory that are still there.
    Leak(Vec<Block>),
}

impl Breach {
    /// Whether the rule binds NDIS alone, so that it is a bug of ours.
    pub fn is_ours(&self) -> bool {
        verify::is_our_bug(self.violation.rule)
    }
}

/// Why an execution has no verdict, or only one about its beginning.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Undecided {
    /// A driver called or touched an import that condis lacks.
    Unimplemented {
        /// The driver.
        by: DriverId,
        /// The import.
        import: String,
    },
    /// Driver code ran too long without a call.
    Hung {
        /// The driver.
        by: DriverId,
        /// Where.
        place: String,
    },
    /// A limit was hit: its value, and how it is changed.
    Bounded(String),
}

impl Undecided {
    /// Whether the two are told as one. Where a loop is cut off does not repeat, so it makes no difference.
    pub fn is_like(&self, other: &Undecided) -> bool {
        match (self, other) {
            (Undecided::Hung { by, .. }, Undecided::Hung { by: other, .. }) => by == other,
            (one, other) => one == other,
        }
    }

    /// The reason in words, with drivers by `name`.
    pub fn text(&self, name: impl Fn(DriverId) -> String) -> String {
        match self {
            Undecided::Unimplemented { by, import } => {
                format!("{} used {import}, which condis lacks", name(*by))
            }
            Undecided::Hung { by, place } => format!(
                "{} ran too long at {place} without a call; it cannot be seen whether that would end",
                name(*by)
            ),
            Undecided::Bounded(limit) => {
                format!("the execution was cut off: it reached the limit of {limit}")
            }
        }
    }
}

/// What one execution shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// Broken rules, the user's levels applied.
    pub breaches: Vec<Breach>,
    /// Complaints without a rule: failed expectations.
    pub others: Vec<Finding>,
    /// Why there is no verdict.
    pub undecided: Option<Undecided>,
    /// A panic: its message.
    pub panic: Option<String>,
    /// Whether timers were still armed at the end that did nothing any more.
    pub ticking: bool,
}

/// Judges the last execution of `session`, which ended with `outcome`.
pub fn judge(session: &Session<'_>, outcome: &Outcome) -> Verdict {
    let mut verdict = Verdict::default();
    let mut seen: Vec<Violation> = Vec::new();
    for record in session.records() {
        if let Event::Warned(violation) = record.event
            && !seen.contains(&violation)
        {
            seen.push(violation);
            push(session, &mut verdict, violation, Vec::new(), Circumstances::WARNED);
        }
    }
    match outcome {
        Outcome::AtRest { findings, ticking } => {
            verdict.ticking = *ticking;
            for finding in findings {
                let circumstances = Circumstances::at_rest(finding);
                push(session, &mut verdict, finding.violation, finding.chain.clone(), circumstances);
            }
            leaks(session, &mut verdict);
            verdict.others = expect::check(session);
        }
        Outcome::Ended(ending) => ended(session, &mut verdict, *ending),
        Outcome::Bounded(limit) => {
            verdict.undecided = Some(Undecided::Bounded(limit_text(*limit, &session.plan().limits)));
        }
    }
    verdict
}

fn push(
    session: &Session<'_>,
    verdict: &mut Verdict,
    violation: Violation,
    chain: Vec<Link>,
    circumstances: Circumstances,
) {
    if let Some(level) = session.plan().levels.judge(violation.rule, circumstances) {
        verdict.breaches.push(Breach { violation, chain, circumstances, level, detail: Detail::None });
    }
}

/// What drivers hold after they have unloaded.
fn leaks(session: &Session<'_>, verdict: &mut Verdict) {
    for record in session.records() {
        let Event::Replied(by, Ddi::Unload | Ddi::MiniportDriverUnload, _) = record.event else { continue };
        let blocks = session.held_by(by);
        let offence = match (blocks.is_empty(), session.forgotten_by(by).first()) {
            (false, _) => "memory is still allocated after the driver has unloaded",
            (true, Some(forgotten)) => forgotten,
            (true, None) => continue,
        };
        let circumstances = Circumstances::default();
        if let Some(level) = session.plan().levels.judge(Rule::KernelPoolLeak, circumstances) {
            let object = Object::Driver(by);
            let violation = Violation { rule: Rule::KernelPoolLeak, by, object, offence };
            let detail = if blocks.is_empty() { Detail::None } else { Detail::Leak(blocks) };
            verdict.breaches.push(Breach { violation, chain: Vec::new(), circumstances, level, detail });
        }
    }
}

fn ended(session: &Session<'_>, verdict: &mut Verdict, ending: Ending) {
    match ending {
        Ending::Violated(violation) => {
            push(session, verdict, violation, Vec::new(), Circumstances::default());
        }
        Ending::Crashed(crash) => {
            let violation = Violation {
                rule: crash.rule,
                by: crash.by,
                object: Object::Driver(crash.by),
                offence: crash.offence,
            };
            let circumstances = Circumstances::default();
            if let Some(level) = session.plan().levels.judge(crash.rule, circumstances) {
                let detail = Detail::Crash(Box::new(crash));
                verdict.breaches.push(Breach { violation, chain: Vec::new(), circumstances, level, detail });
            }
        }
        Ending::Unimplemented { by, symbol } => {
            verdict.undecided = Some(Undecided::Unimplemented { by, import: session.import(symbol) });
        }
        Ending::Hung { by, ip } => {
            let place = match session.code_at(ip) {
                Some((driver, offset)) => session.recording().place(driver, offset).to_string(),
                None => format!("{ip:#x}"),
            };
            verdict.undecided = Some(Undecided::Hung { by, place });
        }
        Ending::Unexpected { by, text } => {
            let name = session.plan().drivers[usize::from(by.0)].name.clone();
            let message = session.text(text).to_owned();
            verdict.others.push(Finding::other("expectation", Level::Error, Some(name), message));
        }
        Ending::Panicked { by, text } => {
            let whose = by.map_or("condis", |by| session.plan().drivers[usize::from(by.0)].name.as_str());
            verdict.panic = Some(format!("{whose} panicked: {}", session.text(text)));
        }
    }
}

/// A limit with its value and the key of a scenario that changes it.
fn limit_text(limit: Limit, limits: &Limits) -> String {
    let (amount, key) = match limit {
        Limit::Steps => (format!("{} scheduling points", limits.steps), "steps"),
        Limit::Tasks => (format!("{} tasks", limits.tasks), "tasks"),
        Limit::Time => (format!("{} s of virtual time", limits.time as f64 / 1e7), "time"),
        Limit::Memory => (format!("{} KiB of memory", limits.memory >> 10), "memory"),
        Limit::Records => (format!("{} lines of the trace", limits.records), "records"),
    };
    format!("{amount} ([limits] {key} of a scenario)")
}

/// A crash in words, for people.
pub struct CrashText<'a> {
    /// The crash.
    pub crash: &'a Crash,
    /// The session in which it happened.
    pub session: &'a Session<'a>,
}

impl fmt::Display for CrashText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Crash { rule, ip, address, offence, .. } = *self.crash;
        f.write_str(offence)?;
        let kind = rule.id();
        if kind == "kernel-bugcheck" {
            write!(f, " with code {address:#x}")?;
        }
        // Without an instruction that is to blame: one that went to NULL, or damage that is found later.
        if ip != 0 {
            write!(f, ", at {}", self.session.explain(ip).unwrap_or_else(|| format!("{ip:#x}")))?;
        }
        let is_argument = ["kernel-bugcheck", "kernel-fastfail"].contains(&kind);
        // A breakpoint tells the address behind itself.
        if address != 0 && address.abs_diff(ip) > 1 && !is_argument {
            write!(f, ", address {address:#x}")?;
            if let Some(what) = self.session.explain(address) {
                write!(f, " ({what})")?;
            }
        }
        Ok(())
    }
}

/// How many leaked blocks are told one by one.
const TOLD: usize = 4;

/// Leaked blocks in words: their number, and the first of them with who asked for it.
pub fn leak_text(blocks: &[Block], site: impl Fn(u32) -> String) -> String {
    let block = |block: &Block| {
        let place = block.site.map(|offset| format!(", allocated at {}", site(offset))).unwrap_or_default();
        format!("{} bytes, tag {}{place}", block.size, tag_text(block.tag))
    };
    let told: Vec<String> = blocks.iter().take(TOLD).map(block).collect();
    let more = if blocks.len() > TOLD { "; …" } else { "" };
    let count = if blocks.len() == 1 { "1 block".to_owned() } else { format!("{} blocks", blocks.len()) };
    format!("{count}: {}{more}", told.join("; "))
}
