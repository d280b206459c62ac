//! The same execution again.

use super::{Point, Strategy};
use crate::schedule::Schedule;
use std::fmt;

/// Follows a schedule, and notices when it does not fit.
#[derive(Clone, Debug)]
pub struct Replay {
    schedule: Schedule,
    next: usize,
    error: Option<ReplayError>,
}

/// Why a schedule does not belong to an execution: other drivers, another program, another version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplayError {
    /// At a point, the schedule takes a candidate that is not there.
    NoSuchCandidate {
        /// The point.
        point: u32,
        /// The candidate that it takes.
        choice: u32,
        /// How many there are.
        candidates: u32,
    },
    /// The execution ended before the schedule did.
    TooShort {
        /// The first point that was not reached.
        point: u32,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::NoSuchCandidate { point, choice, candidates } => {
                write!(
                    f,
                    "the schedule takes candidate {choice} at point {point}, where there are {candidates}"
                )
            }
            ReplayError::TooShort { point } => {
                write!(f, "the execution ended before point {point} of the schedule")
            }
        }
    }
}

impl std::error::Error for ReplayError {}

impl Replay {
    /// Follows this schedule from its beginning.
    pub const fn new(schedule: Schedule) -> Replay {
        Replay { schedule, next: 0, error: None }
    }

    /// To be asked after the execution.
    ///
    /// # Errors
    /// The schedule did not fit; what ran is then another execution than the one it was noted in.
    pub fn finish(self) -> Result<(), ReplayError> {
        match (self.error, self.schedule.deviations().get(self.next)) {
            (Some(error), _) => Err(error),
            (None, Some(&(point, _))) => Err(ReplayError::TooShort { point }),
            (None, None) => Ok(()),
        }
    }
}

impl Strategy for Replay {
    fn choose(&mut self, point: &Point<'_>) -> usize {
        let deviations = self.schedule.deviations();
        // An execution that goes on from a snapshot begins in the middle of the schedule.
        self.next += deviations[self.next..].iter().take_while(|&&(at, _)| at < point.index).count();
        match deviations.get(self.next) {
            Some(&(at, choice)) if at == point.index => {
                self.next += 1;
                if (choice as usize) < point.candidates.len() {
                    return choice as usize;
                }
                let candidates = point.candidates.len() as u32;
                self.error.get_or_insert(ReplayError::NoSuchCandidate { point: at, choice, candidates });
                0
            }
            Some(_) | None => 0,
        }
    }
}
