use rayon::prelude::*;

use super::blocks::{BLOCKS, place};
use crate::baskets::Baskets;
use crate::random::Random;

/// Baskets whose pairs are drawn before the blocks meet: bounds the memory for pairs.
pub(super) const CHUNK: usize = 1 << 15;

/// Baskets per task while drawing; a constant, because each task has its own random stream.
const PIECE: usize = 1 << 11;

/// A pair to be trained, as rows of its two blocks.
pub(super) struct Pair {
    pub(super) center: u32,
    pub(super) context: u32,
}

/// The pairs of a piece of baskets, by (block of the center, block of the context).
pub(super) type Buckets = Vec<Vec<Pair>>;

/// How likely each item's lines are kept: sqrt(threshold / share), at most 1.
pub(super) fn keep_probabilities(counts: &[u32], baskets: usize, threshold: f32) -> Vec<f32> {
    let keep = |&count: &u32| {
        let share = count as f32 / baskets.max(1) as f32;
        if threshold <= 0.0 || share <= threshold { 1.0 } else { (threshold / share).sqrt() }
    };
    counts.iter().map(keep).collect()
}

/// Draws the pairs of a chunk of baskets.
pub(super) fn draw(
    baskets: &Baskets,
    chunk: &[u32],
    keep: &[f32],
    contexts: usize,
    seed: u64,
    step: u64,
) -> Vec<Buckets> {
    let piece = |(number, piece): (usize, &[u32])| {
        let mut random = Random::new(seed, &[3, step, number as u64]);
        let mut buckets: Buckets = (0..BLOCKS * BLOCKS).map(|_| Vec::new()).collect();
        let mut kept = Vec::new();
        for &basket in piece {
            kept.clear();
            let items = baskets.learned_items(basket as usize).iter().copied();
            kept.extend(items.filter(|&item| keep[item as usize] >= 1.0 || random.unit() < keep[item as usize]));
            if kept.len() < 2 {
                continue;
            }
            for (at, &center) in kept.iter().enumerate() {
                for _ in 0..contexts.min(kept.len() - 1) {
                    // Any other line: one of the n - 1, counted on from behind this one.
                    let other = (at + 1 + random.below(kept.len() - 1)) % kept.len();
                    let ((block, center), (other, context)) = (place(center), place(kept[other]));
                    buckets[block * BLOCKS + other].push(Pair { center, context });
                }
            }
        }
        buckets
    };
    chunk.par_chunks(PIECE).enumerate().map(piece).collect()
}
