//! Runs executions of one setup: from the beginning, from a snapshot, again as a schedule says.

use crate::arena::{self, Lease, Memory};
use crate::execution::{Execution, Setup};
use crate::outcome::{Ending, Outcome};
use crate::processor;
use crate::schedule::Schedule;
use crate::strategy::{Candidate, Point, Replay, ReplayError, Strategy};
use model::record::Record;
use model::{Object, Violation, World};
use std::fmt;

/// What is kept beside the arena and grows with the execution.
#[derive(Clone, Default)]
pub(crate) struct Notes {
    pub(crate) trace: Vec<Record>,
    texts: String,
    /// Where each text ends in `texts`.
    ends: Vec<usize>,
}

impl Notes {
    pub(crate) fn add_text(&mut self, text: &str) -> u32 {
        self.texts.push_str(text);
        self.ends.push(self.texts.len());
        self.ends.len() as u32 - 1
    }

    fn text(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.texts.get(start..end)
    }

    /// Copies `other` into the memory that is there.
    fn copy(&mut self, other: &Notes) {
        self.trace.clone_from(&other.trace);
        self.texts.clone_from(&other.texts);
        self.ends.clone_from(&other.ends);
    }
}

/// Why there is no runner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetupError {
    /// This thread has a runner already; a process can have one at a time. Another thread's is waited for.
    Busy,
    /// The arena's address range is taken; the value is the system's error number.
    AddressTaken(i32),
    /// [`arena::Allocator`] is not this program's `#[global_allocator]`.
    NoAllocator,
    /// There must be 1 to [`processor::COUNT_MAX`] processors.
    Processors(u8),
    /// The setup has `given` drivers, and its configuration of the world says `configured`.
    Drivers {
        /// In [`Setup::drivers`].
        given: usize,
        /// In [`Setup::world`].
        configured: u8,
    },
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Busy => f.write_str("this thread runs another execution"),
            SetupError::AddressTaken(error) => {
                write!(f, "the address range at {:#x} cannot be mapped (system error {error})", arena::BASE)
            }
            SetupError::NoAllocator => f.write_str("the program does not use the engine's allocator"),
            SetupError::Processors(count) => {
                write!(f, "{count} processors are not between 1 and {}", processor::COUNT_MAX)
            }
            SetupError::Drivers { given, configured } => {
                write!(f, "{given} drivers are given, {configured} are configured")
            }
        }
    }
}

impl std::error::Error for SetupError {}

/// A state of an execution between two scheduling points, with the trace that led to it. It belongs to the runner that
/// took it.
#[derive(Clone)]
pub struct Snapshot {
    lease: u64,
    memory: Memory,
    notes: Notes,
    schedule: Schedule,
    outcome: Option<Outcome>,
}

impl Snapshot {
    /// How many bytes of the execution's memory it holds.
    pub fn size(&self) -> usize {
        self.memory.len()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Snapshot");
        shown.field("size", &self.size()).field("records", &self.notes.trace.len()).finish_non_exhaustive()
    }
}

/// The first difference between two executions that should have been the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The place in the trace; its length if the traces are the same and the outcomes or texts differ.
    pub index: usize,
    /// What the first execution did there, if it came so far.
    pub first: Option<Record>,
    /// What the second did.
    pub second: Option<Record>,
    /// How both ended.
    pub outcomes: [Outcome; 2],
}

/// Runs executions of one setup. See the crate's first page for how it is driven.
pub struct Runner {
    lease: Lease,
    base: Snapshot,
    processors: u8,
    notes: Notes,
    schedule: Schedule,
    /// How the execution ended, if it has.
    outcome: Option<Outcome>,
    candidates: Vec<Candidate>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Runner");
        shown.field("base", &self.base).field("records", &self.notes.trace.len());
        shown.field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Runner {
    /// Runs `build` with the allocator in the arena and takes the base snapshot. Waits while another thread has a runner.
    ///
    /// What drivers, monitors and the host change must be allocated in there: memory that `build` only takes over is not
    /// restored. The other way round, nothing that `build` allocates may leave it but through the setup, since the arena
    /// is emptied with the runner; whatever can fail, such as reading a file, is done before.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn new(build: impl FnOnce() -> Setup) -> Result<Runner, SetupError> {
        // What std initialises when it is first used must not lie in the arena.
        let _ = (std::io::stdout(), std::io::stderr(), std::thread::current());
        let lease = Lease::take()?;
        let (processors, installed) = arena::building(|| {
            let setup = build();
            if !(1..=processor::COUNT_MAX).contains(&setup.processors) {
                return Err(SetupError::Processors(setup.processors));
            }
            let (given, configured) = (setup.drivers.len(), setup.world.drivers);
            if given != usize::from(configured) {
                return Err(SetupError::Drivers { given, configured });
            }
            Ok((setup.processors, arena::install(Execution::new(setup))))
        })?;
        if !installed {
            return Err(SetupError::NoAllocator);
        }
        processor::forget();
        let base = Snapshot {
            lease: lease.number(),
            memory: Memory::capture(processors),
            notes: Notes::default(),
            schedule: Schedule::new(),
            outcome: None,
        };
        let (notes, schedule) = (Notes::default(), Schedule::new());
        Ok(Runner { lease, base, processors, notes, schedule, outcome: None, candidates: Vec::new() })
    }

    /// Executes the program from the base snapshot to its end.
    pub fn run(&mut self, strategy: &mut dyn Strategy) -> Outcome {
        self.reset();
        self.resume(strategy)
    }

    /// Executes the program from the base snapshot until `stop` says so of a record; the execution then stands before
    /// the next scheduling point. Gives back the outcome if it ended before.
    pub fn run_until(
        &mut self,
        strategy: &mut dyn Strategy,
        stop: &mut dyn FnMut(&Record) -> bool,
    ) -> Option<Outcome> {
        self.reset();
        self.resume_until(strategy, stop)
    }

    /// Goes on from where the execution stands to its end. Gives back the same outcome again if it has ended.
    pub fn resume(&mut self, strategy: &mut dyn Strategy) -> Outcome {
        self.drive(strategy, None).expect("only `stop` makes an execution pause")
    }

    /// Goes on from where the execution stands until `stop` says so of a record.
    pub fn resume_until(
        &mut self,
        strategy: &mut dyn Strategy,
        stop: &mut dyn FnMut(&Record) -> bool,
    ) -> Option<Outcome> {
        self.drive(strategy, Some(stop))
    }

    /// Executes the program as a schedule says.
    ///
    /// # Errors
    /// The schedule does not fit; the trace is then that of the execution it led to.
    pub fn replay(&mut self, schedule: &Schedule) -> Result<Outcome, ReplayError> {
        let mut replay = Replay::new(schedule.clone());
        let outcome = self.run(&mut replay);
        replay.finish().map(|()| outcome)
    }

    /// Executes the program with `strategy`, then again as the schedule of that says, and compares.
    ///
    /// # Errors
    /// The first difference: something in the setup depends on more than the choices.
    pub fn check_determinism(&mut self, strategy: &mut dyn Strategy) -> Result<Outcome, Box<Difference>> {
        let first = self.run(strategy);
        let notes = std::mem::take(&mut self.notes);
        let schedule = self.schedule.clone();
        let second = self.run(&mut Replay::new(schedule));
        let (ours, theirs) = (&notes.trace, &self.notes.trace);
        let same = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
        if same == ours.len().max(theirs.len())
            && first == second
            && notes.texts == self.notes.texts
            && notes.ends == self.notes.ends
        {
            return Ok(first);
        }
        Err(Box::new(Difference {
            index: same,
            first: ours.get(same).copied(),
            second: theirs.get(same).copied(),
            outcomes: [first, second],
        }))
    }

    /// The present state.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            lease: self.lease.number(),
            memory: Memory::capture(self.processors),
            notes: self.notes.clone(),
            schedule: self.schedule.clone(),
            outcome: self.outcome.clone(),
        }
    }

    /// Goes back, or forth, to a state.
    ///
    /// # Panics
    /// Another runner took the snapshot.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        assert_eq!(snapshot.lease, self.lease.number(), "the snapshot is another runner's");
        snapshot.memory.restore();
        processor::forget();
        self.notes.copy(&snapshot.notes);
        self.schedule.clone_from(&snapshot.schedule);
        self.outcome.clone_from(&snapshot.outcome);
    }

    /// The trace of the execution so far.
    pub fn trace(&self) -> &[Record] {
        &self.notes.trace
    }

    /// A text beside the trace: what a driver printed, what a script expected. Empty if there is none of that number.
    pub fn text(&self, number: u32) -> &str {
        self.notes.text(number).unwrap_or_default()
    }

    /// Calls `look` with the world as it is now.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        arena::execution(|execution| look(execution.world()))
    }

    /// Where the execution left the FIFO order.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// How the execution ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    fn reset(&mut self) {
        self.base.memory.restore();
        processor::forget();
        self.notes.trace.clear();
        self.notes.texts.clear();
        self.notes.ends.clear();
        self.schedule.clear();
        self.outcome = None;
    }

    fn drive(
        &mut self,
        strategy: &mut dyn Strategy,
        stop: Option<&mut dyn FnMut(&Record) -> bool>,
    ) -> Option<Outcome> {
        if let Some(outcome) = &self.outcome {
            return Some(outcome.clone());
        }
        let lent = std::mem::take(&mut self.notes);
        arena::notes(|notes| *notes = lent);
        let outcome = self.schedule_tasks(strategy, stop);
        self.notes = arena::notes(std::mem::take);
        self.outcome.clone_from(&outcome);
        outcome
    }

    /// The scheduler: finds what may go next, asks the strategy if there is a choice, and lets it go.
    fn schedule_tasks(
        &mut self,
        strategy: &mut dyn Strategy,
        mut stop: Option<&mut dyn FnMut(&Record) -> bool>,
    ) -> Option<Outcome> {
        let mut seen = arena::notes(|notes| notes.trace.len());
        arena::inside(|| arena::execution(|execution| execution.watched = stop.is_some()));
        loop {
            if let Some(stop) = &mut stop {
                while let Some(record) = arena::notes(|notes| notes.trace.get(seen).copied()) {
                    seen += 1;
                    if stop(&record) {
                        return None;
                    }
                }
            }
            let bounded = arena::inside(|| {
                arena::execution(|execution| {
                    execution.enumerate();
                    execution.bounded()
                })
            });
            if let Some(limit) = bounded {
                return Some(Outcome::Bounded(limit));
            }
            let Some(candidate) = self.choose(strategy) else { return Some(self.at_rest()) };
            match arena::inside(|| arena::execution(|execution| execution.choose(candidate))) {
                Ok(None) => {}
                Ok(Some(task)) => {
                    if let Some(outcome) = self.resume_task(task) {
                        return Some(outcome);
                    }
                }
                Err(violation) => {
                    arena::inside(|| arena::execution(|execution| execution.record_end(violation, false)));
                    return Some(Outcome::Ended(Ending::Violated(violation)));
                }
            }
        }
    }

    /// The candidate to go next, none at rest.
    fn choose(&mut self, strategy: &mut dyn Strategy) -> Option<Candidate> {
        let (index, time) = arena::execution(|execution| {
            self.candidates.clear();
            self.candidates.extend_from_slice(execution.candidates());
            (execution.points(), execution.time)
        });
        if self.candidates.len() < 2 {
            return self.candidates.first().copied();
        }
        let choice = strategy.choose(&Point { index, time, candidates: &self.candidates });
        let candidate =
            self.candidates.get(choice).copied().expect("a strategy chooses one of the candidates");
        self.schedule.note(index, choice as u32);
        arena::execution(|execution| execution.count_point());
        Some(candidate)
    }

    fn resume_task(&mut self, task: usize) -> Option<Outcome> {
        let mut stack = arena::inside(|| arena::execution(|execution| execution.take_stack(task)));
        let over = stack.resume();
        match arena::take_ending() {
            Some(ending) => {
                // What is on the stack is abandoned: dropping it would unwind it.
                std::mem::forget(stack);
                Some(self.ended(ending))
            }
            None => {
                arena::inside(|| arena::execution(|execution| execution.put_stack(stack, over)));
                None
            }
        }
    }

    fn at_rest(&mut self) -> Outcome {
        let (findings, ticking) =
            arena::inside(|| arena::execution(|execution| (execution.at_rest(), execution.ticks())));
        let outcome = Outcome::AtRest { findings: findings.clone(), ticking };
        arena::inside(|| drop(findings));
        outcome
    }

    fn ended(&mut self, ending: Ending) -> Outcome {
        let violation = match ending {
            Ending::Violated(violation) => Some(violation),
            Ending::Crashed(crash) => Some(Violation {
                rule: crash.rule,
                by: crash.by,
                object: Object::Driver(crash.by),
                offence: crash.offence,
            }),
            Ending::Unimplemented { .. }
            | Ending::Hung { .. }
            | Ending::Unexpected { .. }
            | Ending::Panicked { .. } => None,
        };
        if let Some(violation) = violation {
            arena::inside(|| arena::try_execution(|execution| execution.record_end(violation, true)));
        }
        Outcome::Ended(ending)
    }
}
