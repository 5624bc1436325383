use rayon::prelude::*;
use trolley_model::attributes::{Attributes, PREFIX};
use trolley_model::recommend::{Kind, Kinds};
use trolley_model::{Blend, FeatureContext, Ids, Item, Model, Top, signals};

use super::lambda::discount;
use crate::config::BlendConfig;
use crate::evaluation::case::Case;
use crate::random::Random;

/// The training cases of a blend, with the signals of their candidates.
#[derive(Default)]
pub(crate) struct Examples {
    /// Names of the signals; from [`Examples::signals`] on, those of attributes or of the offers' numeric columns.
    pub(crate) names: Vec<String>,
    /// Number of signals among the names.
    pub(crate) signals: usize,
    /// Positions of these signals in [`signals::ALL`].
    used: Vec<usize>,
    /// The cases; each of their candidates has a value per name.
    pub(crate) cases: Vec<Example>,
}

/// The candidates of one case.
pub(crate) struct Example {
    /// The fold of its customer.
    pub(crate) fold: usize,
    /// The customer of the case.
    pub(crate) owner: u32,
    /// How usual each relevant item is for the customer, whether it is a candidate or not; ascending.
    pub(crate) wanted: Vec<f32>,
    /// Whether each candidate is relevant.
    pub(crate) relevant: Vec<bool>,
    /// How usual each candidate is for the customer: the probability that it is in a basket of this size.
    pub(crate) usual: Vec<f32>,
    /// Contribution of each candidate to the mean recall in the customer's other baskets.
    pub(crate) elsewhere: Vec<f32>,
    /// What the list rules need of each candidate; empty if there is no query item.
    pub(crate) kinds: Vec<Kind>,
    /// How much of what is usual is subtracted from the gains.
    focus: f32,
    /// The gain of each candidate; see [`Examples::focus`].
    pub(crate) gains: Vec<f32>,
    /// Number of candidates that each one represents: more than one for sampled ones.
    pub(crate) counts: Vec<f32>,
    /// By candidate, a value per name.
    pub(crate) values: Vec<f32>,
}

impl Example {
    /// The `width` values of each candidate.
    pub(crate) fn rows(&self, width: usize) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(width)
    }

    /// DCG of the best possible order of `k` items.
    pub(super) fn ideal(&self, k: usize) -> f64 {
        let gains = self.wanted.iter().take(k).map(|usual| f64::from((1.0 - self.focus * usual).max(0.0)));
        gains.enumerate().map(|(rank, gain)| gain * discount(rank)).sum()
    }

    /// Whether any candidate has a positive gain.
    pub(super) fn can_gain(&self) -> bool {
        self.gains.iter().any(|gain| *gain > 0.0)
    }

    fn focus(&mut self, focus: f32) {
        self.focus = focus;
        let label = |(relevant, usual): (&bool, &f32)| f32::from(u8::from(*relevant)) - focus * usual;
        self.gains = self.relevant.iter().zip(&self.usual).map(label).collect();
    }

    /// A case whose relevant items are all candidates, of a customer for whom nothing is usual.
    #[cfg(test)]
    pub(super) fn new(fold: usize, owner: u32, relevant: Vec<bool>, values: Vec<f32>) -> Self {
        let mut example = Self {
            fold,
            owner,
            wanted: relevant.iter().filter(|right| **right).map(|_| 0.0).collect(),
            usual: vec![0.0; relevant.len()],
            elsewhere: vec![0.0; relevant.len()],
            kinds: Vec::new(),
            focus: 0.0,
            gains: Vec::new(),
            counts: vec![1.0; relevant.len()],
            relevant,
            values,
        };
        example.focus(0.0);
        example
    }
}

/// Signals of purchases while an item is on offer. Only a ranking of offers can compute them, and they never select
/// training candidates.
pub(crate) const ON_OFFER_SIGNALS: [&str; 2] = ["sales_on_offer", "taken_on_offer"];

/// Number of folds of customers. The first one is held out for the evaluation of the blend.
pub(super) const FOLDS: usize = 8;

/// The fold of a customer, by a hash of the ID, so that it does not depend on other customers.
fn fold(owner: u32, customers: &Ids) -> usize {
    let is_known = (owner as usize) < customers.len();
    let lot = is_known.then(|| blake3::hash(customers.get(owner).as_bytes()));
    let lot = lot.and_then(|hash| hash.as_bytes().as_chunks().0.first().copied());
    Random::new(0x401d, &[lot.map_or(u64::from(owner), u64::from_le_bytes)]).below(FOLDS)
}

impl Examples {
    /// No cases yet. `numbers` are the names of the offers' numeric columns.
    pub(crate) fn new(numbers: &[String]) -> Self {
        Self::of(|name| !signals::OF_ALTERNATIVES.contains(&name), numbers)
    }

    /// For alternatives, which also have a signal per attribute.
    pub(crate) fn of_alternatives(attributes: &Attributes) -> Self {
        Self::of(|_| true, &attributes.signals())
    }

    fn of(is_used: impl Fn(&str) -> bool, numbers: &[String]) -> Self {
        let used = signals::ALL.iter().enumerate().filter(|(_, signal)| is_used(signal.name()));
        let used: Vec<usize> = used.map(|(at, _)| at).collect();
        let names = used.iter().map(|&at| signals::ALL[at].name().to_owned());
        Self { names: names.chain(numbers.iter().cloned()).collect(), signals: used.len(), used, cases: Vec::new() }
    }

    /// Sets the gains of all candidates: 1 if relevant, else 0, minus `focus` times how usual the candidate is for the
    /// customer. 0 learns a shopping list, 1 only what is bought because of the item.
    pub(crate) fn focus(&mut self, focus: f64) {
        self.cases.par_iter_mut().for_each(|case| case.focus(focus as f32));
    }

    /// The linear weights of a blend, one per name.
    pub(crate) fn slopes(&self, blend: &Blend) -> Vec<f32> {
        self.names.iter().map(|name| blend.slopes.get(name).copied().unwrap_or(0.0)).collect()
    }

    /// Adds the cases of one model, with the customers of the transactions. Of the `candidates` of a case, these are
    /// used: the relevant ones, the best by `default_weights`, the best by each signal, and a few random ones, which
    /// are weighted to represent all others. Without random ones, the blend could rank unlikely candidates first,
    /// because it would never have seen any. Held-out cases use all candidates.
    pub(crate) fn add(
        &mut self,
        (model, customers): (&Model, &Ids),
        cases: &[Case],
        default_weights: &Blend,
        candidates: impl Fn(&Case) -> Vec<Item> + Sync,
        config: &BlendConfig,
        seed: u64,
    ) {
        let stream = self.cases.len() as u64;
        let mut order: Vec<u32> = (0..cases.len() as u32).collect();
        if cases.len() > config.cases {
            Random::new(seed, &[0xe0, stream]).shuffle(&mut order);
            order.truncate(config.cases);
            order.sort_unstable();
        }
        let hand = self.slopes(default_weights);
        let (width, signals, used) = (self.names.len(), self.signals, &self.used);
        let of_attributes = width > signals && self.names[signals].starts_with(PREFIX);
        let example = |&number: &u32| {
            let case = &cases[number as usize];
            let all = candidates(case);
            let context = FeatureContext::new(model, case.query(model), &all);
            let mut columns: Vec<Vec<f32>> = used
                .iter()
                .map(|&signal| {
                    let mut column = vec![0.0; all.len()];
                    signals::ALL[signal].fill(&context, &mut column);
                    column
                })
                .collect();
            for attribute in model.attributes().all().iter().filter(|_| of_attributes) {
                let mut column = vec![0.0; all.len()];
                signals::likeness(&context, attribute, &mut column);
                columns.push(column);
            }
            let score =
                |at: usize| -> f32 { hand.iter().zip(&columns).map(|(weight, column)| weight * column[at]).sum() };
            let fold = fold(case.owner, customers);
            let mut kept: Vec<u32> = if fold == 0 { (0..all.len() as u32).collect() } else { Vec::new() };
            let mut keep_best = |count: usize, score: &dyn Fn(usize) -> f32| {
                let mut best = Top::new(count);
                (0..all.len()).for_each(|at| best.push(score(at), at as u32));
                kept.extend(best.into_sorted().into_iter().map(|(at, _)| at));
            };
            keep_best(config.candidates, &score);
            let chooses = |name: &str| !ON_OFFER_SIGNALS.contains(&name);
            for (_, column) in self.names.iter().zip(&columns).filter(|(name, _)| chooses(name)) {
                keep_best(config.candidates_per_signal, &|at| column[at]);
            }
            kept.extend((0..all.len() as u32).filter(|&at| case.is_relevant(all[at as usize])));
            kept.sort_unstable();
            kept.dedup();
            // A few random candidates represent all others.
            let mut others: Vec<u32> = (0..all.len() as u32).filter(|at| kept.binary_search(at).is_err()).collect();
            let number_of_others = others.len();
            Random::new(seed, &[0xe1, stream, u64::from(number)]).shuffle(&mut others);
            others.truncate(config.candidates);
            let weight = number_of_others as f32 / others.len().max(1) as f32;
            let mut counts = vec![1.0; kept.len()];
            counts.resize(kept.len() + others.len(), weight);
            kept.extend(others);
            let relevant: Vec<bool> = kept.iter().map(|&at| case.is_relevant(all[at as usize])).collect();
            if !relevant.contains(&true) || !relevant.contains(&false) {
                return None;
            }
            let mut values = Vec::with_capacity(kept.len() * width);
            for &at in &kept {
                values.extend(columns.iter().map(|column| column[at as usize]));
                if let Some(offered) = &case.offered
                    && let Ok(place) = offered.items.binary_search(&all[at as usize])
                {
                    values.extend(&offered.numbers[place]);
                }
                let row = values.len().div_ceil(width) * width;
                values.resize(row, 0.0);
            }
            debug_assert_eq!(values.len(), kept.len() * width, "{signals} signals");
            // Items that the model does not know count as new to the customer.
            let mut wanted: Vec<f32> = vec![0.0; case.relevant_count.saturating_sub(case.relevant.len())];
            let chance = |recall: f32| (recall * case.relevant_count as f32).min(1.0);
            wanted.extend(case.relevant.iter().map(|&item| chance(case.usual.of(item))));
            let elsewhere: Vec<f32> = kept.iter().map(|&at| case.usual.of(all[at as usize])).collect();
            wanted.sort_unstable_by(f32::total_cmp);
            let query = case.query(model);
            let kinds = Kinds::new(model, &query);
            let mut example = Example {
                fold,
                owner: case.owner,
                wanted,
                relevant,
                usual: elsewhere.iter().map(|&recall| chance(recall)).collect(),
                elsewhere,
                kinds: case.asked.iter().flat_map(|_| kept.iter().map(|&at| kinds.of(all[at as usize]))).collect(),
                focus: 0.0,
                gains: Vec::new(),
                counts,
                values,
            };
            example.focus(0.0);
            Some(example)
        };
        self.cases.extend(order.par_iter().filter_map(example).collect::<Vec<_>>());
    }
}
