//! A random walk that a seed repeats, on every machine.

use super::{Point, Strategy};

/// Chooses evenly among the candidates, with splitmix64.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The walk of this seed.
    pub const fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Strategy for Random {
    fn choose(&mut self, point: &Point<'_>) -> usize {
        // The high half of a product: the bias is at most one in 2^64 divided by the number of candidates.
        ((u128::from(self.next()) * point.candidates.len() as u128) >> 64) as usize
    }
}
