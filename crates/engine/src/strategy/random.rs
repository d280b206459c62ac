//! A random walk.

use super::chance::Chance;
use super::{Candidate, Point, Strategy};

/// Chooses at random: tasks, routines and jobs evenly, the environment and the clock more or less rarely.
///
/// How rarely is drawn once, from the seed. An environment that is as quick as everybody else has spent its acts
/// before the drivers have got anywhere; a slow one never crosses what they begin.
#[derive(Clone, Debug)]
pub struct Random {
    chance: Chance,
    /// The weight of an act of the environment and of an advance of the clock.
    haste: u64,
}

/// The weight of everything that drivers and NDIS do.
const WORK: u64 = 128;

impl Random {
    /// The walk of this seed.
    pub const fn new(seed: u64) -> Random {
        let mut chance = Chance::new(seed);
        // From as quick as the others to one chance in 128, in four steps of the same ratio.
        let haste = WORK >> (chance.below(4) * 7 / 3);
        Random { chance, haste }
    }

    const fn weight(&self, candidate: Candidate) -> u64 {
        match candidate {
            Candidate::Continue(..) | Candidate::Switch(..) | Candidate::Start(..) | Candidate::Job(_) => {
                WORK
            }
            Candidate::Command(_) | Candidate::Queue(..) | Candidate::Advance(_) => self.haste,
        }
    }
}

impl Strategy for Random {
    fn choose(&mut self, point: &Point<'_>) -> usize {
        let total = point.candidates.iter().map(|&candidate| self.weight(candidate)).sum();
        let mut drawn = self.chance.below(total);
        for (index, &candidate) in point.candidates.iter().enumerate() {
            match drawn.checked_sub(self.weight(candidate)) {
                Some(rest) => drawn = rest,
                None => return index,
            }
        }
        unreachable!("what is drawn is less than the sum of the weights")
    }
}
