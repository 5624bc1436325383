//! Item embeddings: skip-gram with negative sampling (Mikolov et al. 2013) over baskets, as in item2vec (Barkan and
//! Koenigstein 2016). The basket is the window, order does not count, and both tables are kept.
//!
//! Training is stochastic gradient descent stratified as by Gemulla et al. (2011): both tables are cut into a fixed
//! number of blocks; in each round every input block meets one output block, all disjoint, so rounds run in parallel
//! without locks, and the result is the same at any number of threads.

mod blocks;
mod negatives;
mod pairs;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trolley_model::Vectors;
use trolley_model::kernel::{add_scaled, dot};

use crate::baskets::Baskets;
use crate::progress::Progress;
use crate::random::Random;
use blocks::{BLOCKS, Block, Table};
use negatives::Negatives;
use pairs::{Draw, Sample};

/// How the embeddings are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkipGramConfig {
    /// Length of the vectors.
    pub dims: usize,
    /// Passes over all baskets.
    pub epochs: usize,
    /// Other items of its basket that each line is paired with in a pass, drawn at random: every line has the same
    /// number of pairs, so a pair of a basket of n items weighs 1/(n-1).
    pub contexts: usize,
    /// Negative samples per pair.
    pub negatives: usize,
    /// Step length at the beginning; it falls to nothing in a straight line.
    pub learning_rate: f32,
    /// Negatives are drawn with the items' baskets to this power.
    pub power: f32,
    /// Items in a larger share of all baskets than this are passed over now and then (Mikolov et al. 2013, section
    /// 2.3); 0 for never.
    pub subsample: f32,
}

impl Default for SkipGramConfig {
    fn default() -> Self {
        Self { dims: 64, epochs: 12, contexts: 4, negatives: 5, learning_rate: 0.05, power: 0.75, subsample: 0.01 }
    }
}

/// One in so many samples is looked at for the loss.
const WATCHED: usize = 64;

/// The input and the output table, a row per learned item, and the mean loss of each pass.
pub(crate) fn skip_gram(
    baskets: &Baskets,
    counts: &[u32],
    config: &SkipGramConfig,
    seed: u64,
    progress: &dyn Progress,
) -> (Vectors, Vectors, Vec<f64>) {
    let (items, dims) = (baskets.learned, config.dims.max(1));
    let mut input = Table::random(items, dims, seed);
    let mut output = Table::zeros(items, dims);
    let table = Negatives::new(counts, config.power);
    let keep = pairs::keep_probabilities(counts, baskets.len(), config.subsample);
    let draw = Draw { keep: &keep, contexts: config.contexts, negatives: config.negatives, table: &table, seed };
    let mut order: Vec<u32> = (0..baskets.len() as u32).collect();
    let chunks = order.len().div_ceil(pairs::CHUNK);
    progress.begin("item embeddings", (config.epochs * chunks) as u64);
    let mut losses = Vec::with_capacity(config.epochs);
    for epoch in 0..config.epochs {
        let mut loss = Loss::default();
        Random::new(seed, &[1, epoch as u64]).shuffle(&mut order);
        for (number, chunk) in order.chunks(pairs::CHUNK).enumerate() {
            let step = (epoch * chunks + number) as u64;
            let done = step as f32 / (config.epochs * chunks) as f32;
            let rate = config.learning_rate * (1.0 - done).max(1e-3);
            let buckets = draw.chunk(baskets, chunk, step);
            for round in 0..BLOCKS {
                let meetings = input.blocks.par_iter_mut().zip(&mut output.blocks).enumerate();
                let met: Vec<Loss> = meetings
                    .map(|(block, (input, output))| {
                        let meeting = block * BLOCKS + (block + round) % BLOCKS;
                        descend(input, output, buckets.iter().flat_map(|piece| &piece[meeting]), rate)
                    })
                    .collect();
                met.iter().for_each(|met| loss.add(met.sum, met.samples));
                output.blocks.rotate_left(1);
            }
            progress.advance(1);
        }
        losses.push(loss.sum / loss.samples.max(1.0));
    }
    progress.end();
    (input.into_vectors(items), output.into_vectors(items), losses)
}

/// A sum over watched samples.
#[derive(Default)]
struct Loss {
    sum: f64,
    samples: f64,
}

impl Loss {
    fn add(&mut self, sum: f64, samples: f64) {
        self.sum += sum;
        self.samples += samples;
    }
}

/// One step for each sample. With score s = input · output and label y (1 for together, 0 for a negative), the loss
/// -log sigmoid(±s) has the gradient (sigmoid(s) - y) · output for the input row, and the same the other way round.
fn descend<'a>(input: &mut Block, output: &mut Block, samples: impl Iterator<Item = &'a Sample>, rate: f32) -> Loss {
    let mut before = vec![0.0; input.dims()];
    let mut loss = Loss::default();
    for (number, sample) in samples.enumerate() {
        let (center, other) = (input.row_mut(sample.center), output.row_mut(sample.other));
        let label = f32::from(u8::from(sample.together));
        let score = dot(center, other);
        if number % WATCHED == 0 {
            let signed = if sample.together { score } else { -score };
            loss.add(f64::from((-signed).exp().ln_1p()), 1.0);
        }
        let step = rate * (label - 1.0 / (1.0 + (-score).exp()));
        before.copy_from_slice(center);
        add_scaled(center, step, other);
        add_scaled(other, step, &before);
    }
    loss
}
