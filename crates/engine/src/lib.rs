//! The engine: runs drivers against the core, one choice at a time.
//!
//! **What it is.** Virtual processors and kernel threads are coroutines with stacks of their own, resumed one at a time by
//! a scheduler. Everything an execution can change lies in one arena at a fixed address ([`arena`]), so a snapshot is
//! a copy and a restore a copy back. The same [`Setup`], [`Strategy`] and order of choices give the same trace, byte for byte.
//!
//! **How it is driven.** [`Runner::new`] builds the drivers and the world inside the arena. [`Runner::run`] executes the
//! program once, from the beginning to the end, and says how it ended ([`Outcome`]); the trace, the text that drivers
//! printed and the [`Schedule`] remain to be read. A [`Strategy`] answers one question: which candidate next.
//!
//! **What a driver sees.** A [`Driver`] handles callbacks and its own routines. It calls NDIS through [`call()`] and the
//! kernel through [`kernel()`]; both are scheduling points, where another task may run before they take effect. A
//! violation ends the execution at the call, which then never returns: nothing is unwound and no destructor runs.
//!
//! **What holds.**
//! - The only place that runs driver code is the loop in `call.rs`; it holds nothing while it does.
//! - No driver, strategy or monitor is called while the execution's state is borrowed mutably, except monitors, which get
//!   the world to read and cannot call back.
//! - Nothing in here reads a clock, the environment or a random-state map, and no thread-local is initialised lazily.
//! - All unsafe code of the crate is in `arena.rs`.
//! - One execution at a time per process, on the thread that made the [`Runner`].
//!
//! Read `call.rs` first (the loop), then `execution.rs` (tasks, records, candidates), then `runner.rs`.

pub mod arena;
mod call;
mod execution;
mod kernel;
mod outcome;
pub mod processor;
mod runner;
mod schedule;
pub mod strategy;
mod task;

pub use call::{call, print, set_site};
pub use execution::{Act, Limits, Setup};
pub use kernel::kernel;
pub use outcome::{Crash, Ending, Limit, Outcome};
pub use runner::{Difference, Runner, SetupError, Snapshot};
pub use schedule::{ParseScheduleError, Schedule};
pub use strategy::{Candidate, Next, Point, ReplayError, Strategy};
pub use task::{Current, current, end, is_running, time, trap, try_current};

use model::record::Routine;
use model::{Callback, Reply};

/// Whatever handles a callback: a native driver, a Rust driver, a scripted one, a peer of the environment.
///
/// Both methods run on the coroutine of the task that the handler belongs to, and may call [`call()`], [`kernel()`],
/// [`print()`] and [`current()`]. They may never return: an execution that ends inside abandons them. A driver is built
/// inside the arena and is restored with it, so interior mutability is all the state it needs.
pub trait Driver {
    /// Runs the handler of `callback` and gives back what it returned.
    fn handle(&self, callback: &Callback) -> Reply;

    /// Runs a routine of the driver's own: a work item, a timer, a DPC, the body of a thread.
    fn routine(&self, routine: Routine);
}
