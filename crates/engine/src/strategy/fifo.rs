//! The order in which nothing is ever preempted without need.

use super::{Point, Strategy};

/// Always the first candidate: the current task, else the lowest-numbered one, else what was queued first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fifo;

impl Strategy for Fifo {
    fn choose(&mut self, _point: &Point<'_>) -> usize {
        0
    }
}
