//! Random numbers that a seed repeats, on every machine: splitmix64.

/// A source of them.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// Any value.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A value below `bound`.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        // The high half of a product: the bias is at most one in 2^64 divided by the bound.
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }
}
