use rayon::prelude::*;
use trolley_model::{Model, Top, Weights, signals};

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
    /// Whose case it is.
    pub(crate) owner: u32,
    /// How many right answers there are, among the candidates or not.
    pub(crate) wanted: usize,
    /// Whether each candidate is one.
    pub(crate) relevant: Vec<bool>,
    /// Candidate by candidate, a value per name.
    pub(crate) values: Vec<f32>,
}

impl Examples {
    /// Without any case. `numbers` are the names of the offers' numbers.
    pub(crate) fn new(numbers: &[String]) -> Self {
        let names: Vec<String> = signals::ALL.iter().map(|signal| signal.name().to_owned()).collect();
        let signals = names.len();
        Self { names: names.into_iter().chain(numbers.iter().cloned()).collect(), signals, cases: Vec::new() }
    }

    /// Adds the cases of one model, each with the candidates that `candidates` finds for it: the right ones among them,
    /// those that `by_hand` puts highest, and some at random, so that the unlikely is seen too.
    pub(crate) fn add(
        &mut self,
        model: &Model,
        cases: &[Case],
        by_hand: &Weights,
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
        let hand: Vec<_> = signals::ALL.iter().map(|signal| by_hand.get(signal.name())).collect();
        let (width, signals) = (self.names.len(), self.signals);
        let example = |&number: &u32| {
            let case = &cases[number as usize];
            let all = candidates(case);
            let columns: Vec<Vec<f32>> = signals::ALL
                .iter()
                .map(|signal| {
                    let mut column = vec![0.0; all.len()];
                    signal.fill(model, &case.ask(), &all, &mut column);
                    column
                })
                .collect();
            let score = |at: usize| -> f32 {
                hand.iter().zip(&columns).filter_map(|(weight, column)| Some(weight.as_ref()?.of(column[at]))).sum()
            };
            let mut best = Top::new(config.candidates / 2);
            (0..all.len()).for_each(|at| best.push(score(at), at as u32));
            let mut kept: Vec<u32> = best.into_sorted().into_iter().map(|(at, _)| at).collect();
            kept.extend((0..all.len() as u32).filter(|&at| case.is_relevant(all[at as usize])));
            let mut random = Random::new(seed, &[0xe1, stream, u64::from(number)]);
            kept.extend((0..(config.candidates / 2).min(all.len())).map(|_| random.below(all.len()) as u32));
            kept.sort_unstable();
            kept.dedup();
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
            Some(Example { owner: case.owner, wanted: case.wanted, relevant, values })
        };
        self.cases.extend(order.par_iter().filter_map(example).collect::<Vec<_>>());
    }
}
