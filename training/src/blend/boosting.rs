//! An additive ranker: for each signal a straight weight and a step function on top of it, the steps of all signals
//! learned together by boosting with `LambdaMART`'s gradients (Burges 2010)
//! and trees of a single split.
//!
//! A tree of one split depends on one signal, so that the sum of all trees is a sum over signals, as a linear blend is:
//! as cheap to score, and each signal's part in a score is still exact. What a straight line cannot say, that nine
//! purchases are not nine times as good as one, or that an item is due after two weeks, a step function can.

use std::collections::BTreeMap;

use rayon::prelude::*;
use trolley_model::kernel::dot;
use trolley_model::{Steps, Weight, Weights};

use super::examples::Example;
use super::lambda::{derivatives, discount, order};
use super::{BlendConfig, Examples, linear};
use crate::progress::Progress;

/// Values of a signal are put into so many bins of about the same size.
const BINS: usize = 64;

/// A split must leave so many candidates on either side.
const LEAST_CANDIDATES: f64 = 50.0;

/// Added to the second derivatives: holds back steps that rest on few candidates.
const REGULARISATION: f64 = 1.0;

/// So many rounds are judged by their mean: the held-out cases are few, and one round's figure mostly luck.
const BLOCK: usize = 10;

/// Rounds without a gain on the held-out cases after which no more are tried.
const PATIENCE: usize = 100;

/// Fewer cases than this teach nothing that is worth more than the weights set by hand.
const FEWEST_CASES: usize = 200;

/// Cases per task: a constant, so that sums do not depend on the threads.
const PIECE: usize = 256;

/// What is given beforehand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// Weights that stay as they are.
    pub(crate) fixed: Weights,
    /// Signals that must not be used.
    pub(crate) left_out: &'static [&'static str],
}

/// What was learned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    /// The weights.
    pub(crate) weights: Weights,
    /// Without each signal, the others being left as they are: how much lower nDCG is on the held-out cases, as a share.
    pub(crate) worth: BTreeMap<String, f64>,
}

/// Learns the weights that order the candidates best among the first `k`. `by_hand` comes back as it is if there are too
/// few cases or if nothing better is found on the held-out ones.
pub(crate) fn learn(
    examples: &Examples,
    by_hand: &Weights,
    given: &Given,
    k: usize,
    config: &BlendConfig,
    progress: &dyn Progress,
) -> Learned {
    let stay = || Learned { weights: by_hand.clone(), worth: BTreeMap::new() };
    if examples.cases.len() < FEWEST_CASES {
        return stay();
    }
    let width = examples.names.len();
    let bins: Vec<Vec<f32>> = (0..width).into_par_iter().map(|column| bounds(examples, column)).collect();
    let sum = |weights: &Weights, row: &[f32]| -> f32 {
        examples.names.iter().zip(row).filter_map(|(name, &value)| Some(weights.get(name)?.of(value))).sum()
    };
    let fixed = |row: &[f32]| f64::from(sum(&given.fixed, row));
    let usable: Vec<bool> = examples
        .names
        .iter()
        .map(|name| !given.left_out.contains(&name.as_str()) && !given.fixed.contains_key(name))
        .collect();
    let learned: Vec<&Example> = examples.cases.iter().filter(|case| !case.held_out).collect();
    let held_out: Vec<&Example> = examples.cases.iter().filter(|case| case.held_out).collect();
    if held_out.is_empty() || learned.is_empty() {
        return stay();
    }
    let slopes = linear::learn(&learned, &usable, &fixed, k);
    let straight = |row: &[f32]| fixed(row) + f64::from(dot(row, &slopes));
    let binned = |cases: Vec<&Example>| -> Vec<Binned> {
        cases.into_par_iter().map(|case| Binned::new(case, &bins, k, &straight)).collect()
    };
    let (learned, held_out) = (binned(learned), binned(held_out));
    let (mut learned, mut held_out) = (Cases::new(learned, k, &bins), Cases::new(held_out, k, &bins));
    let hand = held_out.ndcg_by(|row| sum(by_hand, row));
    let mut levels: Vec<Vec<f64>> = bins.iter().map(|bounds| vec![0.0; bounds.len() + 1]).collect();
    let linear = held_out.ndcg();
    let (mut best, mut best_round) = (linear.max(hand), 0);
    let mut best_levels = (linear > hand).then(|| levels.clone());
    let mut gains = 0.0;
    progress.begin("blend", config.rounds as u64);
    for round in 0..config.rounds {
        let Some(split) = learned.best_split(&usable) else { break };
        let step = split.scaled(config.learning_rate);
        learned.add(&step);
        held_out.add(&step);
        for (bin, level) in levels[step.column].iter_mut().enumerate() {
            *level += step.of(bin as u8);
        }
        gains += held_out.ndcg();
        progress.advance(1);
        if (round + 1) % BLOCK != 0 {
            continue;
        }
        let ndcg = std::mem::take(&mut gains) / BLOCK as f64;
        if ndcg > best {
            (best, best_levels, best_round) = (ndcg, Some(levels.clone()), round);
        }
        if round > best_round + PATIENCE {
            break;
        }
    }
    progress.end();
    let Some(levels) = best_levels else { return stay() };
    let weights = examples.names.iter().zip(slopes.iter().zip(bins.iter().zip(&levels)));
    let learned =
        weights.filter_map(|(name, (slope, (bounds, levels)))| Some((name.clone(), weight(*slope, bounds, levels)?)));
    let weights: Weights = learned.chain(given.fixed.clone()).collect();
    let worth = held_out.worth(&examples.names, &weights);
    Learned { weights, worth }
}

/// The curve of a signal, 0 at the value 0; `None` if it adds nothing.
fn weight(slope: f32, bounds: &[f32], levels: &[f64]) -> Option<Weight> {
    let mut steps = Steps { slope, from: Vec::new(), adds: vec![levels[0] as f32] };
    for (from, pair) in bounds.iter().zip(levels.windows(2)) {
        if pair[0].to_bits() != pair[1].to_bits() {
            steps.from.push(*from);
            steps.adds.push(pair[1] as f32);
        }
    }
    let at_zero = steps.at(0.0);
    steps.adds.iter_mut().for_each(|level| *level -= at_zero);
    match steps.from.is_empty() {
        true if slope == 0.0 => None,
        true => Some(Weight::Slope(slope)),
        false => Some(Weight::Steps(steps)),
    }
}

/// Where the bins of a column begin but the first: at 0, and at quantiles of the values other than 0, half of them of
/// all candidates and half of the right ones, which have the high values that decide about the first places.
fn bounds(examples: &Examples, column: usize) -> Vec<f32> {
    let width = examples.names.len();
    let values = |only_right: bool| {
        let rows = examples.cases.iter().flat_map(|case| case.values.chunks_exact(width).zip(&case.relevant));
        let mut values: Vec<f32> = rows
            .filter(|(_, right)| **right || !only_right)
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
    let mut bounds = [quantiles(&of_all), quantiles(&values(true))].concat();
    // Nothing is a value of its own: the bin of 0 ends at the first value above it.
    bounds.push(0.0);
    bounds.extend(of_all.iter().copied().find(|value| *value > 0.0));
    bounds.sort_unstable_by(f32::total_cmp);
    bounds.dedup();
    bounds.remove(0);
    bounds
}

/// The candidates of a case, their values put into bins.
struct Binned {
    relevant: Vec<bool>,
    counts: Vec<f32>,
    values: Vec<f32>,
    /// Column by column, candidate by candidate.
    bins: Vec<u8>,
    scores: Vec<f64>,
    /// Gain of the best possible order.
    ideal: f64,
}

impl Binned {
    fn new(example: &Example, bins: &[Vec<f32>], k: usize, fixed: &(impl Fn(&[f32]) -> f64 + Sync)) -> Self {
        let width = bins.len();
        let mut binned = Vec::with_capacity(example.values.len());
        for (column, bounds) in bins.iter().enumerate() {
            let rows = example.values.chunks_exact(width);
            binned.extend(rows.map(|row| bounds.partition_point(|from| *from <= row[column]) as u8));
        }
        Self {
            relevant: example.relevant.clone(),
            values: if example.held_out { example.values.clone() } else { Vec::new() },
            counts: example.counts.clone(),
            bins: binned,
            scores: example.values.chunks_exact(width).map(fixed).collect(),
            ideal: (0..k.min(example.wanted)).map(discount).sum(),
        }
    }

    /// The bins of a column, candidate by candidate.
    fn column(&self, column: usize) -> &[u8] {
        &self.bins[column * self.relevant.len()..(column + 1) * self.relevant.len()]
    }

    fn ndcg(&self, scores: &[f64], k: usize) -> f64 {
        let order = order(scores);
        let gains = order.iter().take(k).enumerate().filter(|&(_, &at)| self.relevant[at as usize]);
        gains.map(|(rank, _)| discount(rank)).sum::<f64>() / self.ideal
    }
}

/// A tree of one split.
struct Step {
    column: usize,
    /// The first bin on the right.
    from: u8,
    left: f64,
    right: f64,
}

impl Step {
    fn scaled(self, by: f64) -> Self {
        Self { left: by * self.left, right: by * self.right, ..self }
    }

    fn of(&self, bin: u8) -> f64 {
        if bin < self.from { self.left } else { self.right }
    }
}

/// Cases with the length of the lists that are judged.
struct Cases {
    cases: Vec<Binned>,
    k: usize,
    /// By column and bin, how many candidates are in it.
    counts: Vec<Vec<f64>>,
}

/// Sums over the candidates of a bin: first and second derivatives.
type Sums<T> = [T; 2];

impl Cases {
    fn new(cases: Vec<Binned>, k: usize, bins: &[Vec<f32>]) -> Self {
        let count = |(column, bounds): (usize, &Vec<f32>)| {
            let mut counts = vec![0.0; bounds.len() + 1];
            cases.iter().flat_map(|case| case.column(column)).for_each(|&bin| counts[usize::from(bin)] += 1.0);
            counts
        };
        let counts = bins.par_iter().enumerate().map(count).collect();
        Self { cases, k, counts }
    }

    fn add(&mut self, step: &Step) {
        self.cases.par_iter_mut().with_min_len(64).for_each(|case| {
            let candidates = case.relevant.len();
            let bins = &case.bins[step.column * candidates..(step.column + 1) * candidates];
            case.scores.iter_mut().zip(bins).for_each(|(score, &bin)| *score += step.of(bin));
        });
    }

    fn ndcg(&self) -> f64 {
        self.mean(|case| case.ndcg(&case.scores, self.k))
    }

    fn ndcg_by(&self, score: impl Fn(&[f32]) -> f32 + Sync + Send) -> f64 {
        self.mean(|case| {
            let width = case.values.len() / case.relevant.len();
            let scores: Vec<f64> = case.values.chunks_exact(width).map(|row| f64::from(score(row))).collect();
            case.ndcg(&scores, self.k)
        })
    }

    /// See [`Learned::worth`].
    fn worth(&self, names: &[String], weights: &Weights) -> BTreeMap<String, f64> {
        let curves: Vec<Option<&Weight>> = names.iter().map(|name| weights.get(name)).collect();
        // Per case: nDCG with all signals, then without each.
        let all: Vec<Vec<f64>> = self
            .cases
            .par_iter()
            .map(|case| {
                let adds: Vec<f64> = case
                    .values
                    .chunks_exact(names.len())
                    .flat_map(|row| {
                        row.iter()
                            .zip(&curves)
                            .map(|(&value, curve)| curve.map_or(0.0, |curve| f64::from(curve.of(value))))
                    })
                    .collect();
                let sums: Vec<f64> = adds.chunks_exact(names.len()).map(|adds| adds.iter().sum()).collect();
                let without = |at: usize| {
                    let scores: Vec<f64> =
                        sums.iter().zip(adds.chunks_exact(names.len())).map(|(sum, adds)| sum - adds[at]).collect();
                    case.ndcg(&scores, self.k)
                };
                let with_all = [case.ndcg(&sums, self.k)];
                with_all
                    .into_iter()
                    .chain((0..names.len()).map(|at| if curves[at].is_some() { without(at) } else { with_all[0] }))
                    .collect()
            })
            .collect();
        let mean = |at: usize| all.iter().map(|case| case[at]).sum::<f64>() / all.len() as f64;
        let with_all = mean(0);
        let used = names.iter().enumerate().filter(|(at, _)| curves[*at].is_some());
        used.map(|(at, name)| (name.clone(), 1.0 - mean(at + 1) / with_all.max(1e-12))).collect()
    }

    fn mean(&self, of: impl Fn(&Binned) -> f64 + Sync + Send) -> f64 {
        let values: Vec<f64> = self.cases.par_iter().with_min_len(64).map(of).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// The split that lowers the loss most, by a second-order approximation.
    fn best_split(&self, usable: &[bool]) -> Option<Step> {
        let pieces: Vec<Vec<[Sums<f32>; BINS + 1]>> = self
            .cases
            .par_chunks(PIECE)
            .map(|cases| {
                let mut sums = vec![[[0.0; 2]; BINS + 1]; usable.len()];
                for case in cases {
                    let derivatives = derivatives(&case.scores, &case.relevant, &case.counts, self.k);
                    for (column, sums) in sums.iter_mut().enumerate().filter(|&(column, _)| usable[column]) {
                        for (&bin, &(first, second)) in case.column(column).iter().zip(&derivatives) {
                            let sum = &mut sums[usize::from(bin)];
                            sum[0] += first;
                            sum[1] += second;
                        }
                    }
                }
                sums
            })
            .collect();
        let mut best: Option<(f64, Step)> = None;
        for (column, counts) in self.counts.iter().enumerate().filter(|&(column, _)| usable[column]) {
            let sum_of = |bin: usize| {
                pieces.iter().fold([0.0; 2], |sum: Sums<f64>, piece| {
                    let [first, second] = piece[column][bin].map(f64::from);
                    [sum[0] + first, sum[1] + second]
                })
            };
            let sums: Vec<Sums<f64>> = (0..counts.len()).map(sum_of).collect();
            let all = sums.iter().fold([0.0; 2], |all, sum| [all[0] + sum[0], all[1] + sum[1]]);
            let candidates: f64 = counts.iter().sum();
            let gain = |sums: &Sums<f64>| sums[0] * sums[0] / (sums[1] + REGULARISATION);
            let (mut left, mut on_left) = ([0.0; 2], 0.0);
            for from in 1..sums.len() {
                left = [left[0] + sums[from - 1][0], left[1] + sums[from - 1][1]];
                on_left += counts[from - 1];
                let right = [all[0] - left[0], all[1] - left[1]];
                if on_left < LEAST_CANDIDATES || candidates - on_left < LEAST_CANDIDATES {
                    continue;
                }
                let gained = gain(&left) + gain(&right) - gain(&all);
                if best.as_ref().is_none_or(|(most, _)| gained > *most) {
                    let level = |sums: &Sums<f64>| -sums[0] / (sums[1] + REGULARISATION);
                    best = Some((gained, Step { column, from: from as u8, left: level(&left), right: level(&right) }));
                }
            }
        }
        best.filter(|(gained, _)| *gained > 1e-9).map(|(_, step)| step)
    }
}
