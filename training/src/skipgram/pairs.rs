use rayon::prelude::*;

use super::blocks::{BLOCKS, place};
use super::negatives::Negatives;
use crate::baskets::Baskets;
use crate::random::Random;

/// Baskets whose samples are drawn before the blocks meet: bounds the memory for samples.
pub(super) const CHUNK: usize = 1 << 13;

/// Baskets per task while drawing; a constant, because each task has its own random stream.
const PIECE: usize = 1 << 9;

/// An item of the input table and one of the output table, as rows of their blocks.
pub(super) struct Sample {
    pub(super) center: u32,
    pub(super) other: u32,
    /// Whether they were in a basket together, or `other` was drawn as a negative.
    pub(super) together: bool,
}

/// The samples of a piece of baskets, by (block of the center, block of the other).
pub(super) type Buckets = Vec<Vec<Sample>>;

/// How likely each item's lines are kept: sqrt(threshold / share), at most 1.
pub(super) fn keep_probabilities(counts: &[u32], baskets: usize, threshold: f32) -> Vec<f32> {
    let keep = |&count: &u32| {
        let share = count as f32 / baskets.max(1) as f32;
        if threshold <= 0.0 || share <= threshold { 1.0 } else { (threshold / share).sqrt() }
    };
    counts.iter().map(keep).collect()
}

/// What is drawn for each line of a basket.
pub(super) struct Draw<'a> {
    pub(super) keep: &'a [f32],
    pub(super) contexts: usize,
    pub(super) negatives: usize,
    pub(super) table: &'a Negatives,
    pub(super) seed: u64,
}

impl Draw<'_> {
    /// Draws the samples of a chunk of baskets. Negatives come from the whole catalogue, whatever block the pair's
    /// context lies in: else they would be distributed as the context's block is.
    pub(super) fn chunk(&self, baskets: &Baskets, chunk: &[u32], step: u64) -> Vec<Buckets> {
        let piece = |(number, piece): (usize, &[u32])| {
            let mut random = Random::new(self.seed, &[3, step, number as u64]);
            let mut buckets: Buckets = (0..BLOCKS * BLOCKS).map(|_| Vec::new()).collect();
            for &basket in piece {
                self.basket(baskets.learned_items(basket as usize), &mut random, &mut buckets);
            }
            buckets
        };
        chunk.par_chunks(PIECE).enumerate().map(piece).collect()
    }

    fn basket(&self, items: &[u32], random: &mut Random, buckets: &mut Buckets) {
        let keep = |&item: &u32| self.keep[item as usize];
        let kept: Vec<u32> =
            items.iter().filter(|item| keep(item) >= 1.0 || random.unit() < keep(item)).copied().collect();
        if kept.len() < 2 {
            return;
        }
        for (at, &center) in kept.iter().enumerate() {
            let (block, center) = place(center);
            let mut add = |item: u32, together: bool| {
                let (other_block, other) = place(item);
                buckets[block * BLOCKS + other_block].push(Sample { center, other, together });
            };
            for _ in 0..self.contexts {
                // Any other line: one of the n - 1, counted on from behind this one.
                add(kept[(at + 1 + random.below(kept.len() - 1)) % kept.len()], true);
                for _ in 0..self.negatives {
                    add(self.table.draw(random), false);
                }
            }
        }
    }
}
