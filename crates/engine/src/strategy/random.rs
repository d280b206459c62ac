//! A random walk that a seed repeats, on every machine.

use super::{Candidate, Point, Strategy};

/// Chooses at random with splitmix64: tasks, routines and jobs evenly, the environment and the clock more or less rarely.
///
/// How rarely is drawn once, from the seed. An environment that is as quick as everybody else has spent its acts
/// before the drivers have got anywhere; a slow one never crosses what they begin.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// The weight of an act of the environment and of an advance of the clock.
    haste: u64,
}

/// The weight of everything that drivers and NDIS do.
const WORK: u64 = 128;

impl Random {
    /// The walk of this seed.
    pub const fn new(seed: u64) -> Random {
        let mut random = Random { state: seed, haste: WORK };
        // From as quick as the others to one chance in 128, in four steps of the same ratio.
        random.haste = WORK >> (random.below(4) * 7 / 3);
        random
    }

    const fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // The high half of a product: the bias is at most one in 2^64 divided by the bound.
        (((z ^ (z >> 31)) as u128 * bound as u128) >> 64) as u64
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
        let mut drawn = self.below(total);
        for (index, &candidate) in point.candidates.iter().enumerate() {
            match drawn.checked_sub(self.weight(candidate)) {
                Some(rest) => drawn = rest,
                None => return index,
            }
        }
        unreachable!("what is drawn is less than the sum of the weights")
    }
}
