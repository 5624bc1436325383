//! Random streams, each named by the seed and its purpose: the same for any number of threads.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// A random stream.
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The stream of a seed and a path of numbers, for example (purpose, epoch).
    pub(crate) fn new(seed: u64, path: &[u64]) -> Self {
        // SplitMix64's finaliser (Steele et al. 2014) spreads neighbouring paths over all seeds.
        let mix = |state: u64, part: u64| {
            let mut z = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Self(Xoshiro256PlusPlus::seed_from_u64(path.iter().fold(seed, |state, &part| mix(state, part))))
    }

    /// A uniform integer below `n`, which must not be 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        // The upper half of a product with a 64-bit number (Lemire 2019); its bias is below n / 2^64.
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// A uniform number from 0 (inclusive) to 1 (exclusive).
    pub(crate) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Shuffles a list (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}
