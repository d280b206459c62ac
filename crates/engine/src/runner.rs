//! Runs executions. (Being written.)

use crate::execution::Setup;
use crate::outcome::Outcome;
use crate::schedule::Schedule;
use crate::strategy::{ReplayError, Strategy};
use model::record::Record;

/// Why there is no runner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetupError {
    /// This thread has a runner already; a process can have one at a time.
    Busy,
    /// The arena's address range is taken; the value is the system's error number.
    AddressTaken(i32),
    /// [`arena::Allocator`](crate::arena::Allocator) is not this program's `#[global_allocator]`.
    NoAllocator,
    /// There must be 1 to 8 processors.
    Processors(u8),
    /// The setup has another number of drivers than its configuration says.
    Drivers,
}

/// A state of an execution between two scheduling points.
#[derive(Clone, Debug)]
pub struct Snapshot {}

/// The first difference between two executions that should have been the same.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The place in the trace, the length of the shorter one if one is a beginning of the other.
    pub index: usize,
    /// What the first execution did there.
    pub first: Option<Record>,
    /// What the second did.
    pub second: Option<Record>,
}

/// Runs executions of one setup.
#[derive(Debug)]
pub struct Runner {
    trace: Vec<Record>,
    schedule: Schedule,
}

impl Runner {
    /// Runs `build` with the allocator in the arena and takes the base snapshot.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn new(build: impl FnOnce() -> Setup) -> Result<Runner, SetupError> {
        let _ = build;
        Err(SetupError::NoAllocator)
    }
    /// Executes the program from the base snapshot to its end.
    pub fn run(&mut self, strategy: &mut dyn Strategy) -> Outcome {
        let _ = strategy;
        Outcome::AtRest { findings: Vec::new() }
    }
    /// Executes the program from the base snapshot until `stop` says so, between two scheduling points.
    pub fn run_until(&mut self, strategy: &mut dyn Strategy, stop: &mut dyn FnMut(&Record) -> bool) -> Option<Outcome> {
        let _ = (strategy, stop);
        None
    }
    /// Goes on to the end.
    pub fn resume(&mut self, strategy: &mut dyn Strategy) -> Outcome {
        self.run(strategy)
    }
    /// Executes the program as this schedule says.
    ///
    /// # Errors
    /// The schedule does not fit.
    pub fn replay(&mut self, schedule: &Schedule) -> Result<Outcome, ReplayError> {
        let mut replay = crate::strategy::Replay::new(schedule.clone());
        let outcome = self.run(&mut replay);
        replay.finish().map(|()| outcome)
    }
    /// Executes the program with `strategy`, then again as its schedule says, and compares.
    ///
    /// # Errors
    /// The first difference.
    pub fn check_determinism(&mut self, strategy: &mut dyn Strategy) -> Result<Outcome, Box<Difference>> {
        Ok(self.run(strategy))
    }
    /// The state between two scheduling points.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {}
    }
    /// Goes back to a state.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        let _ = snapshot;
    }
    /// The trace of the execution so far.
    pub fn trace(&self) -> &[Record] {
        &self.trace
    }
    /// A text beside the trace; empty if there is none of that number.
    pub fn text(&self, number: u32) -> &str {
        let _ = number;
        ""
    }
    /// Where the execution left the FIFO order.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }
}
