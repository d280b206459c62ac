//! Tasks. (Being written.)

use crate::outcome::Ending;
use model::DriverId;
use model::record::{Irql, TaskNumber};

pub use crate::arena::trap;

/// What runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Current {
    /// The task.
    pub task: TaskNumber,
    /// Its processor.
    pub processor: u8,
    /// The processor's level.
    pub irql: Irql,
    /// Whose code runs, none in NDIS's own.
    pub driver: Option<DriverId>,
}

/// The running task.
///
/// # Panics
/// No task runs.
pub fn current() -> Current {
    unreachable!("the skeleton runs no task")
}

/// Ends the execution from within a task. Nothing is unwound.
pub fn end(ending: Ending) -> ! {
    let _ = ending;
    unreachable!("the skeleton runs no task")
}
