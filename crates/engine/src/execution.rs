//! The state of an execution. (Being written.)

use crate::Driver;
use model::record::{Monitor, Routine};
use model::{Command, Config, DriverId};

/// What an execution consists of.
pub struct Setup {
    /// How the world is laid out.
    pub world: Config,
    /// The drivers, in the order of their ids.
    pub drivers: Vec<Box<dyn Driver>>,
    /// What the environment does, in this order.
    pub program: Vec<Act>,
    /// How many virtual processors there are: 1 to [`processor::COUNT_MAX`](crate::processor::COUNT_MAX).
    pub processors: u8,
    /// The bounds.
    pub limits: Limits,
    /// Who watches.
    pub monitors: Vec<Box<dyn Monitor>>,
}

/// One act of the program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Act {
    /// The environment acts. It may do so at any scheduling point after the act before.
    Command(Command),
    /// Starts a routine of a driver's own on a task.
    Run(DriverId, Routine),
    /// The program goes on only when everything is at rest.
    Rest,
}

/// The bounds of one execution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Scheduling points.
    pub steps: u32,
    /// Tasks that may be started in all.
    pub tasks: u16,
    /// The execution's clock, in units of 100 nanoseconds since its beginning.
    pub time: u64,
    /// Bytes of the arena.
    pub memory: usize,
    /// Records of the trace.
    pub records: usize,
    /// How many deadlines may pass without anything coming of it before that counts as rest.
    pub idle_deadlines: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: 100_000, tasks: 10_000, time: 36_000_000_000, memory: 128 << 20, records: 1_000_000, idle_deadlines: 128 }
    }
}
