//! The ranker: a linear weight per signal, and small trees on top, learned by boosting with the gradients of
//! `LambdaMART` (Burges 2010).
//!
//! The trees learn what linear weights cannot: nine purchases are not nine times as good as one, an item is due after
//! two weeks, popularity counts for items that are new to the customer. Trees of two levels score many candidates at
//! once in a few instructions, and each signal's part of a score is exact ([`trolley_model::Scorer`]).

use std::collections::BTreeMap;
use trolley_model::figures::{BestPart, FeatureImportance, Focus};

use rayon::prelude::*;
use trolley_model::kernel::dot;
use trolley_model::{Blend, ListRules, Scorer, Tree};

use super::cases::{Binned, Cases, Grown, Split, bin_edges};
use super::examples::Examples;
use super::examples::{Example, FOLDS};
use super::focus::{self};
use super::linear;
use super::paired::Difference;
use super::parts;
use crate::config::{BlendConfig, ItemFocus};
use crate::progress::Progress;
use crate::random::Random;

/// Minimum number of cases to learn from; with fewer, the default weights are better.
const FEWEST_CASES: usize = 200;

/// Constraints on the learning of a blend.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// Linear weights that are fixed.
    pub(crate) fixed: &'static [(&'static str, f32)],
    /// Signals that must not be used.
    pub(crate) left_out: &'static [&'static str],
    /// How much of what the customer buys anyway is subtracted from the gains.
    pub(crate) focus: ItemFocus,
    /// The rules of the lists on which the item focus is chosen.
    pub(crate) rules: ListRules,
}

impl Default for Given {
    fn default() -> Self {
        Self { fixed: &[], left_out: &[], focus: ItemFocus::Fixed(0.0), rules: ListRules::none() }
    }
}

/// A learned blend and its diagnostics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    pub(crate) blend: Blend,
    /// Feature importances on the held-out cases.
    pub(crate) feature_importances: BTreeMap<String, FeatureImportance>,
    /// Comparison of the blend with its best part; `None` if nothing was learned.
    pub(crate) best_part: Option<BestPart>,
    /// The item focuses that were tried, if there was a choice.
    pub(crate) focuses: Vec<Focus>,
}

/// Learns the blend with the highest nDCG at `k`. Returns `default_weights` if there are too few cases, or if the
/// learned blend is worse on the held-out ones by more than a standard error. Returns the best part if the blend is not
/// better than that.
pub(crate) fn learn(
    examples: &mut Examples,
    default_weights: &Blend,
    given: &Given,
    k: usize,
    config: &BlendConfig,
    seed: u64,
    progress: &dyn Progress,
) -> Learned {
    if examples.cases.len() < FEWEST_CASES {
        return Learned { blend: default_weights.clone(), ..Learned::default() };
    }
    let fixed = examples.slopes(&Blend::straight(given.fixed));
    let usable: Vec<bool> = examples
        .names
        .iter()
        .zip(&fixed)
        .map(|(name, fixed)| !given.left_out.contains(&name.as_str()) && *fixed == 0.0)
        .collect();
    let (focus, focuses) = match given.focus {
        ItemFocus::Fixed(focus) => (focus, Vec::new()),
        ItemFocus::Auto => focus::chosen(examples, &given.rules, |examples, learned, held_out| {
            let setup = Setup { examples, default_weights, fixed: &fixed, usable: &usable, k, config, seed, progress };
            setup.ranker(learned, held_out, config.rounds / 4).judged
        }),
    };
    examples.focus(focus);
    let examples = &*examples;
    let (held_out, learned): (Vec<&Example>, Vec<&Example>) =
        examples.cases.iter().filter(|case| case.can_gain()).partition(|case| case.fold == 0);
    if held_out.is_empty() || learned.is_empty() {
        return Learned { blend: default_weights.clone(), ..Learned::default() };
    }
    let setup = Setup { examples, default_weights, fixed: &fixed, usable: &usable, k, config, seed, progress };
    let Boosted { mut blend, ndcg, judged } = setup.boosted(&learned, &held_out);
    let mut best_part = None;
    if let Some((name, part)) = parts::best(examples, &learned, &usable, k) {
        let mut difference = setup.difference(&held_out, &ndcg, &part);
        if difference.is_in_doubt() {
            difference = setup.crossed(&part, difference);
        }
        // Fixed weights represent something that the cases do not show, so such a blend is only replaced by a part that
        // is better by two standard errors.
        let serves = match (given.fixed.is_empty(), focus > 0.0) {
            (false, _) => difference.is_surely_worse(),
            (true, true) => difference.mean <= 0.0,
            (true, false) => !difference.is_ahead(),
        };
        let found = parts::best_part(name, &difference, serves);
        if found.serves {
            blend = part;
        }
        best_part = Some(found);
    }
    progress.begin("roles of signals", 1);
    let feature_importances = feature_importances(examples, &held_out, &judged, &blend);
    progress.end();
    Learned { blend, feature_importances, best_part, focuses }
}

/// Learns linear weights of `signals` only, which place the relevant candidates among the first `k`.
pub(crate) fn learn_straight(
    examples: &mut Examples,
    signals: &[&str],
    default_weights: &Blend,
    focus: f64,
    k: usize,
) -> Blend {
    examples.focus(focus);
    let cases: Vec<&Example> = examples.cases.iter().filter(|case| case.can_gain()).collect();
    if cases.len() < FEWEST_CASES {
        return default_weights.clone();
    }
    let usable: Vec<bool> = examples.names.iter().map(|name| signals.contains(&name.as_str())).collect();
    let slopes = linear::learn(&cases, &usable, &|_| 0.0, k);
    let named = examples.names.iter().cloned().zip(slopes).filter(|(_, slope)| *slope != 0.0);
    Blend { slopes: named.collect(), trees: Vec::new() }
}

/// The inputs of each learning.
struct Setup<'a> {
    examples: &'a Examples,
    default_weights: &'a Blend,
    /// The fixed weight of each signal.
    fixed: &'a [f32],
    /// Whether each signal may be used.
    usable: &'a [bool],
    k: usize,
    config: &'a BlendConfig,
    seed: u64,
    progress: &'a dyn Progress,
}

/// A blend, and its results on held-out cases.
struct Boosted {
    blend: Blend,
    ndcg: Vec<f64>,
    judged: Cases,
}

/// A learned ranker, before it is evaluated.
struct Ranker {
    slopes: Vec<f32>,
    trees: Vec<Tree>,
    /// nDCG of the linear weights alone on the held-out cases.
    straight: Vec<f64>,
    /// The held-out cases, with the scores of linear weights and trees.
    judged: Cases,
}

impl Setup<'_> {
    /// Learns linear weights from the cases `learned`, and up to `rounds` trees.
    fn ranker(&self, learned: &[&Example], held_out: &[&Example], rounds: usize) -> Ranker {
        let Self { examples, fixed, usable, k, config, progress, .. } = *self;
        progress.begin("blend", 1);
        let slopes = linear::learn(learned, usable, &|row| f64::from(dot(row, fixed)), k);
        let slopes: Vec<f32> = slopes.iter().zip(fixed).map(|(learned, fixed)| learned + fixed).collect();
        let bins: Vec<Vec<f32>> = (0..usable.len()).into_par_iter().map(|column| bin_edges(examples, column)).collect();
        let binned = |cases: &[&Example]| -> Cases {
            let cases = cases.par_iter().map(|case| Binned::new(case, &bins, k, |row| f64::from(dot(row, &slopes))));
            Cases::new(cases.collect(), k)
        };
        let (mut learned, mut judged) = (binned(learned), binned(held_out));
        let straight = judged.ndcg();
        progress.end();
        let mut trees = Vec::new();
        progress.begin("blend", rounds as u64);
        for round in 0..rounds {
            let mut random = Random::new(self.seed, &[0xb0, round as u64]);
            let drawn: Vec<bool> =
                learned.cases.iter().map(|_| f64::from(random.unit()) < config.share_of_cases).collect();
            let Some(tree) = learned.grow(&drawn, usable, config.learning_rate) else { break };
            learned.add(&tree);
            judged.add(&tree);
            trees.push(named(&tree, &bins, &examples.names));
            progress.advance(1);
        }
        progress.end();
        Ranker { slopes, trees, straight, judged }
    }

    /// Learns from the cases `learned`. Linear weights replace the default weights, and trees are added to them, unless
    /// that is worse on the held-out cases by more than a standard error.
    fn boosted(&self, learned: &[&Example], held_out: &[&Example]) -> Boosted {
        let Ranker { slopes, mut trees, straight, judged } = self.ranker(learned, held_out, self.config.rounds);
        let hand = parts::ndcg(self.examples, held_out, self.default_weights, self.k);
        let owners = owners(held_out);
        let is_fine = |one: &[f64], other: &[f64]| Difference::new(one, other, &owners).is_not_surely_worse();
        let mut ndcg = judged.ndcg();
        // Trees first, because they may compensate for linear weights that are worse than the default ones.
        if !is_fine(&ndcg, &straight) {
            (trees, ndcg) = (Vec::new(), straight);
        }
        if !is_fine(&ndcg, &hand) {
            return Boosted { blend: self.default_weights.clone(), ndcg: hand, judged };
        }
        let named = self.examples.names.iter().cloned().zip(slopes).filter(|(_, slope)| *slope != 0.0);
        Boosted { blend: Blend { slopes: named.collect(), trees }, ndcg, judged }
    }

    /// The difference between a blend's nDCG on some cases and that of a linear blend.
    fn difference(&self, cases: &[&Example], ndcg: &[f64], part: &Blend) -> Difference {
        Difference::new(ndcg, &parts::ndcg(self.examples, cases, part, self.k), &owners(cases))
    }

    /// The same on more customers, because an eighth of a few hundred is too few to detect two per cent. Quarters of
    /// the customers are held out in turn, and the blend is learned from the others, until the difference is clear or
    /// all customers have been used.
    fn crossed(&self, part: &Blend, first: Difference) -> Difference {
        let (mut cases, mut ndcg, mut found) = (Vec::new(), Vec::new(), first);
        for turn in 0..TURNS {
            let is_held_out = |case: &&Example| case.fold * TURNS / FOLDS == turn;
            let with_gain = self.examples.cases.iter().filter(|case| case.can_gain());
            let (held_out, learned): (Vec<&Example>, Vec<&Example>) = with_gain.partition(is_held_out);
            if held_out.is_empty() || learned.is_empty() {
                continue;
            }
            ndcg.extend(self.boosted(&learned, &held_out).ndcg);
            cases.extend(held_out);
            found = self.difference(&cases, &ndcg, part);
            if !found.is_in_doubt() {
                break;
            }
        }
        found
    }
}

/// Number of turns in which all customers are held out once.
const TURNS: usize = 4;

fn owners(cases: &[&Example]) -> Vec<u32> {
    cases.iter().map(|case| case.owner).collect()
}

/// The tree with names and values of signals instead of columns and bins, shifted to add 0 where all signals are 0.
fn named(tree: &Grown, bins: &[Vec<f32>], names: &[String]) -> Tree {
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

/// Maximum number of points of the curve of a [`FeatureImportance`].
const POINTS: usize = 24;

/// Feature importances on the held-out cases.
fn feature_importances(
    examples: &Examples,
    held_out: &[&Example],
    judged: &Cases,
    blend: &Blend,
) -> BTreeMap<String, FeatureImportance> {
    // All names exist, because the blend was learned from them.
    let Ok(scorer) = Scorer::new(blend, &[], &examples.names[examples.signals..]) else { return BTreeMap::new() };
    let names = blend.signals();
    let columns: Vec<usize> =
        names.iter().filter_map(|name| examples.names.iter().position(|known| known == name)).collect();
    let width = examples.names.len();
    // Per case and candidate, the parts of all signals.
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
        // Pieces of equal numbers of candidates, except that equal values stay together.
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
        let importance = 1.0 - mean(Some(at)) / whole;
        ((*name).to_owned(), FeatureImportance { importance, curve })
    };
    names.iter().enumerate().map(role).collect()
}
