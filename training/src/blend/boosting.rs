//! The ranker: for each signal a straight weight, and on top of them small trees, learned by boosting with `LambdaMART`'s
//! gradients (Burges 2010).
//!
//! What straight lines cannot say, the trees do: that nine purchases are not nine times as good as one, that an item is
//! due after two weeks, that popularity counts for what is new to the customer. Trees of two levels are scored in a few
//! instructions for many candidates at once, and each signal's part in a score is exact ([`trolley_model::Scorer`]).

use std::collections::BTreeMap;

use rayon::prelude::*;
use trolley_model::kernel::dot;
use trolley_model::{Blend, Scorer, Tree};

use super::cases::{Binned, Cases, bounds};
use super::examples::Example;
use super::grow::Split;
use super::paired::Difference;
use super::parts::{self, Replaced};
use super::{BlendConfig, Examples, linear};
use crate::evaluation::Role;
use crate::progress::Progress;
use crate::random::Random;

/// Fewer cases than this teach nothing that is worth more than the weights set by hand.
const FEWEST_CASES: usize = 200;

/// What is given beforehand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// Straight weights that stay as they are.
    pub(crate) fixed: &'static [(&'static str, f32)],
    /// Signals that must not be used.
    pub(crate) left_out: &'static [&'static str],
}

/// What was learned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    /// How to score.
    pub(crate) blend: Blend,
    /// What each signal does, on the held-out cases.
    pub(crate) roles: BTreeMap<String, Role>,
    /// What serves in the place of what was learned, if that was worse than a part of it.
    pub(crate) replaced: Option<Replaced>,
}

/// Learns the blend that orders the candidates best among the first `k`. `by_hand` comes back as it is if there are too
/// few cases or if nothing better is found on the held-out ones.
pub(crate) fn learn(
    examples: &Examples,
    by_hand: &Blend,
    given: &Given,
    k: usize,
    config: &BlendConfig,
    seed: u64,
    progress: &dyn Progress,
) -> Learned {
    let stay = || Learned { blend: by_hand.clone(), ..Learned::default() };
    let (held_out, learned): (Vec<&Example>, Vec<&Example>) = examples.cases.iter().partition(|case| case.held_out);
    if examples.cases.len() < FEWEST_CASES || held_out.is_empty() || learned.is_empty() {
        return stay();
    }
    progress.begin("blend", 1);
    let fixed = examples.slopes(&Blend::straight(given.fixed));
    let usable: Vec<bool> = examples
        .names
        .iter()
        .zip(&fixed)
        .map(|(name, fixed)| !given.left_out.contains(&name.as_str()) && *fixed == 0.0)
        .collect();
    let slopes = linear::learn(&learned, &usable, &|row| f64::from(dot(row, &fixed)), k);
    let slopes: Vec<f32> = slopes.iter().zip(&fixed).map(|(learned, fixed)| learned + fixed).collect();
    let bins: Vec<Vec<f32>> = (0..usable.len()).into_par_iter().map(|column| bounds(examples, column)).collect();
    let part = parts::best(examples, &learned, &usable, k);
    let owners: Vec<u32> = held_out.iter().map(|case| case.owner).collect();
    let not_surely_worse =
        |one: &[f64], other: &[f64]| Difference::new(one, other, &owners).is_not_surely_worse();
    let binned = |cases: &[&Example]| -> Cases {
        let cases = cases.par_iter().map(|case| Binned::new(case, &bins, k, |row| f64::from(dot(row, &slopes))));
        Cases::new(cases.collect(), k)
    };
    let (mut learned, mut judged) = (binned(&learned), binned(&held_out));
    let hand = examples.slopes(by_hand);
    let hand = judged.ndcg_of(|at, _| held_out[at].rows(usable.len()).map(|row| f64::from(dot(row, &hand))).collect());
    let straight = judged.ndcg();
    progress.end();
    if !not_surely_worse(&straight, &hand) {
        return stay();
    }
    let mut trees = Vec::new();
    progress.begin("blend", config.rounds as u64);
    for round in 0..config.rounds {
        let mut random = Random::new(seed, &[0xb0, round as u64]);
        let drawn: Vec<bool> = learned.cases.iter().map(|_| f64::from(random.unit()) < config.share_of_cases).collect();
        let Some(tree) = learned.grow(&drawn, &usable, config.learning_rate) else { break };
        learned.add(&tree);
        judged.add(&tree);
        trees.push(named(&tree, &bins, &examples.names));
        progress.advance(1);
    }
    progress.end();
    if !not_surely_worse(&judged.ndcg(), &straight) {
        trees.clear();
    }
    let named = examples.names.iter().cloned().zip(slopes).filter(|(_, slope)| *slope != 0.0);
    let mut blend = Blend { slopes: named.collect(), trees };
    let mut replaced = None;
    let ndcg = if blend.trees.is_empty() { straight } else { judged.ndcg() };
    if let Some(part) = part
        && let Some((found, part)) = parts::instead(examples, part, &held_out, &ndcg, k)
    {
        (replaced, blend) = (Some(found), part);
    }
    progress.begin("roles of signals", 1);
    let roles = roles(examples, &held_out, &judged, &blend);
    progress.end();
    Learned { blend, roles, replaced }
}

/// The tree by the names of the signals and their values, 0 where all signals are 0.
fn named(tree: &super::grow::Grown, bins: &[Vec<f32>], names: &[String]) -> Tree {
    let value = |split: Split| bins[split.column][usize::from(split.from) - 1];
    let splits = tree.splits;
    let zero = splits.map(|split| usize::from(value(split) <= 0.0));
    let at_zero = tree.adds[if zero[0] == 0 { zero[1] } else { 2 + zero[2] }];
    Tree {
        signals: splits.map(|split| names[split.column].clone()),
        from: splits.map(value),
        adds: tree.adds.map(|adds| (adds - at_zero) as f32),
    }
}

/// So many points has the curve of a [`Role`].
const POINTS: usize = 24;

/// What each signal does in the held-out cases.
fn roles(examples: &Examples, held_out: &[&Example], judged: &Cases, blend: &Blend) -> BTreeMap<String, Role> {
    // The names were all there when the blend was learned from them.
    let Ok(scorer) = Scorer::new(blend, &examples.names[examples.signals..]) else { return BTreeMap::new() };
    let names = blend.signals();
    let columns: Vec<usize> =
        names.iter().filter_map(|name| examples.names.iter().position(|known| known == name)).collect();
    let width = examples.names.len();
    // Per case, candidate by candidate, the parts of all signals.
    let parts: Vec<Vec<f32>> = held_out
        .par_iter()
        .map(|case| {
            let of_row = |row: &[f32]| scorer.parts(&columns.iter().map(|&column| row[column]).collect::<Vec<_>>());
            case.rows(width).flat_map(of_row).collect()
        })
        .collect();
    let score_without = |case: usize, left_out: Option<usize>| -> Vec<f64> {
        let rows = parts[case].chunks_exact(names.len());
        rows.map(|parts| f64::from(parts.iter().sum::<f32>() - left_out.map_or(0.0, |at| parts[at]))).collect()
    };
    let mean = |left_out| {
        let all = judged.ndcg_of(|case, _| score_without(case, left_out));
        all.iter().sum::<f64>() / all.len() as f64
    };
    let whole = mean(None).max(1e-12);
    let role = |(at, name): (usize, &&str)| {
        let mut points: Vec<(f32, f32)> = held_out
            .iter()
            .zip(&parts)
            .flat_map(|(case, parts)| case.rows(width).zip(parts.chunks_exact(names.len())))
            .map(|(row, parts)| (row[columns[at]], parts[at]))
            .collect();
        points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        // As many candidates in each piece, but those of equal value together.
        let mut curve: Vec<[f32; 2]> = Vec::new();
        let mut from = 0;
        while from < points.len() {
            let mut to = (from + points.len().div_ceil(POINTS)).min(points.len());
            to += points[to..].partition_point(|point| point.0 <= points[to - 1].0);
            let piece = &points[from..to];
            let middle = |of: fn(&(f32, f32)) -> f32| {
                (piece.iter().map(|point| f64::from(of(point))).sum::<f64>() / piece.len() as f64) as f32
            };
            curve.push([middle(|point| point.0), middle(|point| point.1)]);
            from = to;
        }
        let worth = 1.0 - mean(Some(at)) / whole;
        ((*name).to_owned(), Role { worth, curve })
    };
    names.iter().enumerate().map(role).collect()
}
