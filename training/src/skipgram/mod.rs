//! Item embeddings: skip-gram with negative sampling (Mikolov et al. 2013) over baskets, as in item2vec (Barkan and
//! Koenigstein 2016). The whole basket is the window, order does not matter, and both tables are used.
//!
//! Training is gradient descent on small batches of baskets. All pairs of a basket are learned at once, with the same
//! negatives, so that the work consists of products of small matrices, which is many times faster than pair by pair.
//! Gradients are computed from the tables before the batch, and then added block by block of the tables, in the order
//! of the baskets. Both halves run in parallel, and the result does not depend on the number of threads.

mod batch;
mod blocks;
mod negatives;

use rayon::prelude::*;
use trolley_model::Vectors;

use crate::baskets::BasketSample;
use crate::config::SkipGramConfig;
use crate::progress::Progress;
use crate::random::Random;
use batch::{Draw, Group};
use blocks::EmbeddingTable;
use negatives::Negatives;

/// Maximum number of baskets of a group, which one thread learns at a time.
const GROUP: usize = 16;
/// Minimum number of groups of an epoch: a small shop has small groups, because it would otherwise take too few steps.
const STEPS: usize = 1024;
/// Number of groups of a batch.
const GROUPS: usize = 16;

/// The input and the output table, with a row per learned item, and the mean loss of each epoch. `counts` has the
/// number of baskets of each learned item.
pub(crate) fn skip_gram(
    baskets: BasketSample<'_>,
    counts: &[u32],
    config: &SkipGramConfig,
    seed: u64,
    progress: &dyn Progress,
) -> (Vectors, Vectors, Vec<f64>) {
    let (items, dims) = (counts.len(), config.dims.max(1));
    let mut input = EmbeddingTable::random(items, dims, seed);
    let mut output = EmbeddingTable::zeros(items, dims);
    let table = Negatives::new(counts, config.power);
    let keep = keep_probabilities(counts, baskets.len(), config.subsample);
    let (shared, weight) = (config.shared_negatives, config.negatives);
    let draw = Draw { baskets, learned: items, keep: &keep, negatives: &table, shared, weight };
    let has_pairs = |basket: &u32| baskets.learned_items(*basket, items).len() > 1;
    let mut order: Vec<u32> = (0..baskets.len() as u32).filter(has_pairs).collect();
    let size = (order.len() / STEPS).clamp(1, GROUP);
    let batches = order.len().div_ceil(size * GROUPS);
    progress.begin("item embeddings", (config.epochs * batches) as u64);
    let mut losses = Vec::with_capacity(config.epochs);
    let mut groups: Vec<Group> = (0..GROUPS).map(|_| Group::default()).collect();
    for epoch in 0..config.epochs {
        let (mut loss, mut watched) = (0.0, 0.0);
        Random::new(seed, &[1, epoch as u64]).shuffle(&mut order);
        for (number, batch) in order.chunks(size * GROUPS).enumerate() {
            let step = (epoch * batches + number) as u64;
            let rate = config.learning_rate * (1.0 - step as f32 / (config.epochs * batches) as f32);
            let used = batch.len().div_ceil(size);
            groups[..used].par_iter_mut().zip(batch.par_chunks(size)).enumerate().for_each(|(at, (group, chunk))| {
                group.learn(&input, &output, &draw, chunk, &mut Random::new(seed, &[3, step, at as u64]));
            });
            let groups = &groups[..used];
            let inputs = input.blocks.par_iter_mut().enumerate();
            inputs.for_each(|(at, block)| block.descend(at, groups.iter().map(|group| &group.input), rate));
            let outputs = output.blocks.par_iter_mut().enumerate();
            outputs.for_each(|(at, block)| block.descend(at, groups.iter().map(|group| &group.output), rate));
            for group in groups {
                loss += group.loss;
                watched += group.watched;
            }
            progress.advance(1);
        }
        losses.push(loss / f64::max(watched, 1.0));
    }
    progress.end();
    (input.into_vectors(items), output.into_vectors(items), losses)
}

/// The probability with which an item of a basket is used: sqrt(threshold / share), at most 1.
fn keep_probabilities(counts: &[u32], baskets: usize, threshold: f32) -> Vec<f32> {
    let keep = |&count: &u32| {
        let share = count as f32 / baskets.max(1) as f32;
        if threshold <= 0.0 || share <= threshold { 1.0 } else { (threshold / share).sqrt() }
    };
    counts.iter().map(keep).collect()
}
