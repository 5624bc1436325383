use rayon::prelude::*;
use trolley_model::{Blend, Ids, Model, Scene, Top, signals};

use super::BlendConfig;
use crate::evaluation::Case;
use crate::random::Random;

/// Cases with their candidates' signals: what a blend is learned from.
#[derive(Default)]
pub(crate) struct Examples {
    /// The signals' names; then those of the offers' numbers, from [`Examples::signals`] on.
    pub(crate) names: Vec<String>,
    /// How many of the names are signals.
    pub(crate) signals: usize,
    /// Candidates by case, each with a value per name.
    pub(crate) cases: Vec<Example>,
}

/// The candidates of one case.
pub(crate) struct Example {
    /// The fold of its customer.
    pub(crate) fold: usize,
    /// Whose case it is.
    pub(crate) owner: u32,
    /// How many right answers there are, among the candidates or not.
    pub(crate) wanted: usize,
    /// Whether each candidate is one.
    pub(crate) relevant: Vec<bool>,
    /// For how many each candidate stands: more than one for those that were drawn from many.
    pub(crate) counts: Vec<f32>,
    /// Candidate by candidate, a value per name.
    pub(crate) values: Vec<f32>,
}

impl Example {
    /// The values of each candidate, of which there are `width`.
    pub(crate) fn rows(&self, width: usize) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(width)
    }
}

/// Customers are parted into so many folds. The first is held out, to see whether anything was gained.
pub(super) const FOLDS: usize = 8;

/// By the customer's ID: who else there is, perhaps later, must not decide.
fn fold(owner: u32, customers: &Ids) -> usize {
    let is_known = (owner as usize) < customers.len();
    let lot = is_known.then(|| blake3::hash(customers.get(owner).as_bytes()));
    let lot = lot.and_then(|hash| hash.as_bytes().as_chunks().0.first().copied());
    Random::new(0x401d, &[lot.map_or(u64::from(owner), u64::from_le_bytes)]).below(FOLDS)
}

impl Examples {
    /// Without any case. `numbers` are the names of the offers' numbers.
    pub(crate) fn new(numbers: &[String]) -> Self {
        let names: Vec<String> = signals::ALL.iter().map(|signal| signal.name().to_owned()).collect();
        let signals = names.len();
        Self { names: names.into_iter().chain(numbers.iter().cloned()).collect(), signals, cases: Vec::new() }
    }

    /// The straight weights of a blend, one per name.
    pub(crate) fn slopes(&self, blend: &Blend) -> Vec<f32> {
        self.names.iter().map(|name| blend.slopes.get(name).copied().unwrap_or(0.0)).collect()
    }

    /// Adds the cases of one model, with the customers of the transactions. Of the candidates that `candidates` finds for one, these are kept: the right ones,
    /// those that `by_hand` puts highest, those that any one signal does, and a random few that count for all others. Left
    /// out altogether, the unlikely would be put first by a blend that has never seen it. Of cases that are held out all
    /// are kept.
    pub(crate) fn add(
        &mut self,
        (model, customers): (&Model, &Ids),
        cases: &[Case],
        by_hand: &Blend,
        candidates: impl Fn(&Case) -> Vec<u32> + Sync,
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
        let hand = self.slopes(by_hand);
        let (width, signals) = (self.names.len(), self.signals);
        let example = |&number: &u32| {
            let case = &cases[number as usize];
            let all = candidates(case);
            let scene = Scene::new(model, case.ask(), &all);
            let columns: Vec<Vec<f32>> = signals::ALL
                .iter()
                .map(|signal| {
                    let mut column = vec![0.0; all.len()];
                    signal.fill(&scene, &mut column);
                    column
                })
                .collect();
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
            for column in &columns {
                keep_best(config.candidates_per_signal, &|at| column[at]);
            }
            kept.extend((0..all.len() as u32).filter(|&at| case.is_relevant(all[at as usize])));
            kept.sort_unstable();
            kept.dedup();
            // The others by a random few, which count for all of them.
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
            Some(Example { fold, owner: case.owner, wanted: case.wanted, relevant, counts, values })
        };
        self.cases.extend(order.par_iter().filter_map(example).collect::<Vec<_>>());
    }
}
