//! A blend must not be worse than a part of it: a single signal, or a plain sum of a few.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trolley_model::Blend;
use trolley_model::kernel::dot;

use super::Examples;
use super::examples::Example;
use super::lambda::{discount, order};
use super::paired::Difference;

/// Plain blends that shops use. One whose signals are all 0 without a customer says what it says with the others.
const PLAIN: [(&str, &[(&str, f32)]); 2] = [
    ("logs of co-purchase and popularity", &[("co_purchase_count", 1.0), ("recent_popularity", 0.15)]),
    (
        "logs of co-purchase, popularity and own purchases",
        &[("co_purchase_count", 1.0), ("recent_popularity", 0.15), ("purchases", 1.0)],
    ),
];

/// The best part is looked for on so many cases; of more, every so-manyth.
const TRIED: usize = 2000;

/// A blend beside its best part, on customers from whom it was not learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestPart {
    /// A signal, or a plain sum of a few.
    pub name: String,
    /// nDCG of the part.
    pub part: f64,
    /// nDCG of the blend.
    pub blend: f64,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// How many customers.
    pub customers: usize,
    /// Whether the part serves, because the blend was surely worse.
    pub serves: bool,
}

impl BestPart {
    pub(super) fn new(name: String, difference: &Difference) -> Self {
        let Difference { means: [blend, part], standard_error, customers, .. } = *difference;
        Self { name, part, blend, standard_error, customers, serves: !difference.is_not_surely_worse() }
    }
}

/// The part of a blend that orders the learned cases best, of all usable signals and of the plain blends.
pub(super) fn best(examples: &Examples, learned: &[&Example], usable: &[bool], k: usize) -> Option<(String, Blend)> {
    let is_usable = |name: &str| examples.names.iter().zip(usable).any(|(known, usable)| known == name && *usable);
    let single = |name: &String| (name.clone(), Blend::straight(&[(name, 1.0)]));
    let signals = examples.names[..examples.signals].iter().map(single);
    let plain = PLAIN.iter().map(|(name, weights)| ((*name).to_owned(), Blend::straight(weights)));
    let parts = signals.chain(plain).filter(|(_, blend)| blend.slopes.keys().all(|name| is_usable(name)));
    let cases: Vec<&Example> = learned.iter().step_by((learned.len() / TRIED).max(1)).copied().collect();
    let sum = |blend: &Blend| ndcg(examples, &cases, blend, k).iter().sum::<f64>();
    parts.map(|part| (sum(&part.1), part)).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, part)| part)
}

/// Case by case, of a blend without trees.
pub(super) fn ndcg(examples: &Examples, cases: &[&Example], blend: &Blend, k: usize) -> Vec<f64> {
    let (slopes, width) = (examples.slopes(blend), examples.names.len());
    let one = |case: &&Example| {
        let scores: Vec<f64> = case.rows(width).map(|row| f64::from(dot(row, &slopes))).collect();
        let order = order(&scores);
        let right = order.iter().take(k).enumerate().filter(|&(_, &at)| case.relevant[at as usize]);
        let ideal: f64 = (0..k.min(case.wanted)).map(discount).sum();
        right.map(|(rank, _)| discount(rank)).sum::<f64>() / ideal
    };
    cases.par_iter().with_min_len(64).map(one).collect()
}
