use rayon::prelude::*;

use super::examples::{Example, Examples};
use super::lambda::{gained, order};

/// Maximum number of bins of a signal's values.
pub(super) const BINS: usize = 64;

/// The lower edges of a column's bins, except the first: 0, and quantiles of the values other than 0. Half of the
/// quantiles are over all candidates, and half over those with a gain, which have the high values that decide about the
/// first places.
pub(super) fn bin_edges(examples: &Examples, column: usize) -> Vec<f32> {
    let width = examples.names.len();
    let values = |only_right: bool| {
        let rows = examples.cases.iter().flat_map(|case| case.rows(width).zip(&case.gains));
        let mut values: Vec<f32> = rows
            .filter(|(_, gain)| **gain > 0.0 || !only_right)
            .map(|(row, _)| row[column])
            .filter(|value| *value != 0.0 && value.is_finite())
            .collect();
        values.sort_unstable_by(f32::total_cmp);
        values
    };
    let of_all = values(false);
    let quantiles = |values: &[f32]| -> Vec<f32> {
        let each = BINS / 2 - 1;
        (0..each).filter_map(|bin| values.get(bin * values.len() / each).copied()).collect()
    };
    let mut bin_edges = [quantiles(&of_all), quantiles(&values(true))].concat();
    // 0 has a bin of its own, which ends at the first value above it.
    bin_edges.push(0.0);
    bin_edges.extend(of_all.iter().copied().find(|value| *value > 0.0));
    bin_edges.sort_unstable_by(f32::total_cmp);
    bin_edges.dedup();
    bin_edges.remove(0);
    bin_edges
}

/// The split of a node: candidates in bin `from` or a higher one go to the right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub(super) column: usize,
    pub(super) from: u8,
}

/// A tree over bins: the splits at the root, on the left and on the right, and the values of the leaves.
#[derive(Clone, Debug)]
pub(super) struct Grown {
    pub(super) splits: [Split; 3],
    pub(super) adds: [f64; 4],
}

/// The candidates of a case, with binned values.
pub(super) struct Binned {
    pub(super) gains: Vec<f32>,
    pub(super) counts: Vec<f32>,
    pub(super) scores: Vec<f64>,
    /// By column, then by candidate.
    bins: Vec<u8>,
    /// DCG of the best possible order.
    ideal: f64,
}

impl Binned {
    pub(super) fn new(example: &Example, bins: &[Vec<f32>], k: usize, score: impl Fn(&[f32]) -> f64) -> Self {
        let mut binned = Vec::with_capacity(example.values.len());
        for (column, bin_edges) in bins.iter().enumerate() {
            let rows = example.rows(bins.len());
            binned.extend(rows.map(|row| bin_edges.partition_point(|from| *from <= row[column]) as u8));
        }
        Self {
            gains: example.gains.clone(),
            counts: example.counts.clone(),
            scores: example.rows(bins.len()).map(score).collect(),
            bins: binned,
            ideal: example.ideal(k),
        }
    }

    /// The bins of a column, by candidate.
    pub(super) fn column(&self, column: usize) -> &[u8] {
        &self.bins[column * self.gains.len()..(column + 1) * self.gains.len()]
    }

    fn ndcg(&self, scores: &[f64], k: usize) -> f64 {
        gained(&order(scores), &self.gains, k) / self.ideal
    }
}

/// Cases, and the length of the evaluated lists.
pub(super) struct Cases {
    pub(super) cases: Vec<Binned>,
    pub(super) k: usize,
}

impl Cases {
    pub(super) fn new(cases: Vec<Binned>, k: usize) -> Self {
        Self { cases, k }
    }

    /// Adds a tree to all scores.
    pub(super) fn add(&mut self, tree: &Grown) {
        self.cases.par_iter_mut().with_min_len(64).for_each(|case| {
            let mut scores = std::mem::take(&mut case.scores);
            let [root, left, right] = tree.splits.map(|split| (case.column(split.column), split.from));
            for (at, score) in scores.iter_mut().enumerate() {
                let goes_right = |(bins, from): (&[u8], u8)| usize::from(bins[at] >= from);
                let leaf = if goes_right(root) == 0 { goes_right(left) } else { 2 + goes_right(right) };
                *score += tree.adds[leaf];
            }
            case.scores = scores;
        });
    }

    /// nDCG per case.
    pub(super) fn ndcg(&self) -> Vec<f64> {
        self.ndcg_of(|_, case| case.scores.clone())
    }

    /// nDCG per case, by the scores that `scores` returns.
    pub(super) fn ndcg_of(&self, scores: impl Fn(usize, &Binned) -> Vec<f64> + Sync + Send) -> Vec<f64> {
        let cases = self.cases.par_iter().enumerate().with_min_len(64);
        cases.map(|(at, case)| case.ndcg(&scores(at, case), self.k)).collect()
    }
}
