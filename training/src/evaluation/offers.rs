//! The offers of each week, to be ranked for each customer who bought any of them; and the other way round.

use std::sync::Arc;

use rayon::prelude::*;
use trolley_model::Model;
use trolley_model::recommend::{self, Offer};

use super::baselines;
use super::bootstrap::{Estimate, Means};
use super::case::Case;
use super::contest::{Contender, Contest, MODEL, Tally};
use super::metrics::{Figures, area_under_curve};
use super::neighbours::Neighbours;
use super::weeks::{Offered, Week};
use crate::input::{OfferRow, Transactions};

pub(super) const K: usize = 20;

/// Offers that fewer customers took have no audience to speak of.
const BUYERS: usize = 5;

/// The contest over several weeks, each answered by its own model.
#[derive(Default)]
pub(super) struct Weekly {
    tally: Tally,
    /// Per offer: the area under the curve of the model's audience and of the customers who bought the item most.
    audiences: Vec<Figures>,
    audiences_by_habit: Vec<Figures>,
}

impl Weekly {
    /// A week, answered by a model of the days before it.
    pub(super) fn judge(
        &mut self,
        model: &Model,
        week: &Week,
        transactions: &Transactions,
        offers: &[OfferRow],
        names: &[String],
        seed: u64,
    ) {
        let offered = Arc::new(week.offered(model, offers, seed));
        let cases = week.cases(model, transactions, &offered);
        let neighbours = Neighbours::new(model, transactions, 0..week.baskets.start);
        let ranked = Ranked::new(&offered, names);
        let mut contenders = vec![
            Contender::new(MODEL, |case, k| ranked.answer(model, case, k)),
            Contender::new("bestsellers", |case, k| baselines::bestsellers(model, case, k)),
            Contender::new("recent bestsellers", |case, k| baselines::recent_bestsellers(model, case, k)),
            Contender::new("most frequent", |case, k| baselines::most_frequent(model, case, k)),
            Contender::new("most frequent, decayed", |case, k| baselines::most_frequent_decayed(model, case, k)),
            Contender::new("iALS", |case, k| baselines::ials(model, case, k)),
        ];
        if let Some(neighbours) = &neighbours {
            contenders.push(Contender::new("TIFU-KNN", |case, k| neighbours.tifu_knn(model, case, k)));
            contenders.push(Contender::new("UP-CF", |case, k| neighbours.up_cf(model, case, k)));
        }
        self.tally.judge(&cases, &contenders, K);
        self.judge_audiences(model, &cases, &ranked);
    }

    /// How well the scores of an offer tell its buyers from all other customers, for each offer with enough buyers.
    fn judge_audiences(&mut self, model: &Model, cases: &[Case], ranked: &Ranked<'_>) {
        let known = |case: &Case, item: u32| case.customer.filter(|_| case.is_relevant(item));
        let customers = model.histories().customers().len() as u32;
        let scores = |item: u32, of: &(dyn Fn(u32) -> f32 + Sync)| {
            let mut buyers: Vec<u32> = cases.iter().filter_map(|case| known(case, item)).collect();
            buyers.sort_unstable();
            let scored = (0..customers).map(|customer| (of(customer), buyers.binary_search(&customer).is_ok()));
            (buyers.len() >= BUYERS).then(|| area_under_curve(&mut scored.collect::<Vec<_>>())).flatten()
        };
        let judged: Vec<[f64; 2]> = ranked
            .offered
            .items
            .par_iter()
            .enumerate()
            .filter_map(|(at, &item)| {
                let buyers = cases.iter().filter(|case| known(case, item).is_some()).count();
                if buyers < BUYERS {
                    return None;
                }
                let mut ours = vec![f32::NEG_INFINITY; customers as usize];
                for one in recommend::audience(model, ranked.offer(at), customers as usize) {
                    ours[one.customer as usize] = one.score;
                }
                let habit = |customer| model.histories().habit(customer, item).map_or(0.0, |habit| habit.decayed);
                Some([scores(item, &|customer| ours[customer as usize])?, scores(item, &habit)?])
            })
            .collect();
        self.audiences.extend(judged.iter().map(|[ours, _]| [*ours; 3]));
        self.audiences_by_habit.extend(judged.iter().map(|[_, habit]| [*habit; 3]));
    }

    pub(super) fn contest(&self, question: &str, seed: u64) -> Option<Contest> {
        (!self.tally.is_empty()).then(|| self.tally.contest("offers", question, K, seed))
    }

    /// Mean area under the curve over all offers, of the model and of the customers' own decayed purchases.
    pub(super) fn audience(&self, seed: u64) -> Option<[Estimate; 2]> {
        if self.audiences.is_empty() {
            return None;
        }
        let owners: Vec<u32> = (0..self.audiences.len() as u32).collect();
        let means = Means::new(&[self.audiences.iter().collect(), self.audiences_by_habit.iter().collect()], &owners, seed);
        Some([means.of(0, 0), means.of(1, 0)])
    }
}

/// What is on offer, as the model is asked about it.
pub(super) struct Ranked<'a> {
    offered: &'a Offered,
    numbers: Vec<Vec<(&'a str, f32)>>,
}

impl<'a> Ranked<'a> {
    pub(super) fn new(offered: &'a Offered, names: &'a [String]) -> Self {
        let named = |numbers: &'a Vec<f32>| names.iter().map(String::as_str).zip(numbers.iter().copied()).collect();
        Self { offered, numbers: offered.numbers.iter().map(named).collect() }
    }

    fn offer(&self, at: usize) -> Offer<'_> {
        Offer { items: &self.offered.items[at..=at], numbers: &self.numbers[at] }
    }

    pub(super) fn answer(&self, model: &Model, case: &Case, k: usize) -> Vec<u32> {
        let offers: Vec<Offer<'_>> = (0..self.offered.items.len()).map(|at| self.offer(at)).collect();
        recommend::offers(model, case.customer, &offers, k).into_iter().filter_map(|ranked| ranked.item).collect()
    }
}
