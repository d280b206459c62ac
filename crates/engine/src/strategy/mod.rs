//! Strategies: each is a small oracle that says which candidate goes next, one per file.
//!
//! A strategy lives outside the arena and keeps its state over restores. It sees only a [`Point`], never drivers.

mod chance;
mod fifo;
mod pct;
mod pos;
mod random;
mod replay;

pub use fifo::Fifo;
pub use pct::Pct;
pub use pos::Pos;
pub use random::Random;
pub use replay::{Replay, ReplayError};

use contract::Ddi;
use model::record::{Operation, Routine, TaskNumber};
use model::{Command, DriverId, Job};

/// Says which candidate goes next.
pub trait Strategy {
    /// The index of one of [`Point::candidates`]. 0 is what the FIFO order does. Asked only when there are several.
    fn choose(&mut self, point: &Point<'_>) -> usize;
}

/// A scheduling point with more than one candidate.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// How many such points came before it in this execution.
    pub index: u32,
    /// The execution's clock, in units of 100 nanoseconds.
    pub time: u64,
    /// What may go next, at least two. The order is fixed: the task that ran last, the other tasks by number, routines
    /// of drivers in the order in which they were queued, jobs of NDIS, the next act of the program, time.
    pub candidates: &'a [Candidate],
}

/// What may go next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Candidate {
    /// The task that ran last goes on.
    Continue(TaskNumber, Next),
    /// Another task goes on.
    Switch(TaskNumber, Next),
    /// A routine of a driver's own starts, on a new task.
    Start(DriverId, Routine),
    /// NDIS starts something of its own, on a new task.
    Job(Job),
    /// The environment acts.
    Command(Command),
    /// A routine of a driver's is put into the queue, by the program.
    Queue(DriverId, Routine),
    /// The clock advances to this time, where the next deadline is.
    Advance(u64),
}

/// Who goes on with a candidate: what keeps its rank from point to point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Actor {
    Task(TaskNumber),
    /// What starts a task that is not there yet.
    Beginning(Candidate),
    /// Whoever plugs, unplugs, loads and unloads, and puts routines into the queue.
    Environment,
    Clock,
}

impl Actor {
    const fn of(candidate: Candidate) -> Actor {
        match candidate {
            Candidate::Continue(task, _) | Candidate::Switch(task, _) => Actor::Task(task),
            Candidate::Start(..) | Candidate::Job(_) => Actor::Beginning(candidate),
            Candidate::Command(_) | Candidate::Queue(..) => Actor::Environment,
            Candidate::Advance(_) => Actor::Clock,
        }
    }
}

/// What a task does first when it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It begins.
    Begin,
    /// It calls NDIS.
    Call(Ddi),
    /// Its handler returns to NDIS.
    Return(Ddi),
    /// It performs an operation of the kernel.
    Kernel(Operation),
    /// Its wait for an object or a lock, or its sleep, is over.
    Woken,
    /// The condition that a call of NDIS waited for holds.
    Holds,
    /// Its routine has returned, which those who wait for the thread will see.
    End,
}
