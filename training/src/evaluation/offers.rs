//! The offers of each week, to be ranked for each customer who bought any of them; and the other way round.

use std::sync::Arc;

use rayon::prelude::*;
use trolley_model::Model;
use trolley_model::recommend::{self, OnOffer};

use super::baselines;
use super::bootstrap::{Estimate, Means};
use super::case::Case;
use super::contest::{Contender, Contest, MODEL, Tally};
use super::metrics::{Figures, area_under_curve};
use super::neighbours::{MOST_CUSTOMERS, Neighbours};
use super::weeks::{Offered, Week};
use crate::input::{OfferRow, Transactions};
use crate::random::Random;

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
        let on_offer = offered.ready(model, names, 0..offered.items.len());
        let mut contenders = vec![
            Contender::new(MODEL, |case, k| answer(model, &on_offer, case, k)),
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
        self.judge_audiences(model, &cases, &offered, names, seed);
    }

    /// How well the scores of an offer tell its buyers from all other customers, for each offer with enough buyers. They
    /// are those of [`recommend::audience`], taken from the other side: a customer's offers are scored all at once.
    fn judge_audiences(&mut self, model: &Model, cases: &[Case], offered: &Offered, names: &[String], seed: u64) {
        let items = &offered.items;
        let mut buyers: Vec<Vec<u32>> = vec![Vec::new(); items.len()];
        for (case, customer) in cases.iter().filter_map(|case| Some((case, case.customer?))) {
            for at in case.relevant.iter().filter_map(|item| items.binary_search(item).ok()) {
                buyers[at].push(customer);
            }
        }
        buyers.iter_mut().for_each(|buyers| buyers.sort_unstable());
        let judged: Vec<usize> = (0..items.len()).filter(|&at| buyers[at].len() >= BUYERS).collect();
        let on_offer = offered.ready(model, names, judged.iter().copied());
        // A number for each customer and offer is held: of very many customers so many are drawn.
        let mut customers: Vec<u32> = (0..model.histories().customers().len() as u32).collect();
        if customers.len() > MOST_CUSTOMERS {
            Random::new(seed, &[0xad]).shuffle(&mut customers);
            customers.truncate(MOST_CUSTOMERS);
        }
        let scores: Vec<Vec<f32>> = customers
            .par_iter()
            .map(|&customer| {
                let mut scores = vec![0.0; judged.len()];
                for found in recommend::offers(model, Some(customer), &on_offer, judged.len()) {
                    scores[found.offer] = found.score;
                }
                scores
            })
            .collect();
        let areas: Vec<[f64; 2]> = judged
            .par_iter()
            .enumerate()
            .filter_map(|(number, &at)| {
                let area = |score: &dyn Fn(usize) -> f32| {
                    let bought = |customer: usize| buyers[at].binary_search(&customers[customer]).is_ok();
                    let scored = (0..customers.len()).map(|customer| (score(customer), bought(customer)));
                    area_under_curve(&mut scored.collect::<Vec<_>>())
                };
                let habit = |customer: usize| {
                    model.histories().habit(customers[customer], items[at]).map_or(0.0, |habit| habit.decayed)
                };
                Some([area(&|customer| scores[customer][number])?, area(&habit)?])
            })
            .collect();
        self.audiences.extend(areas.iter().map(|[ours, _]| [*ours; 3]));
        self.audiences_by_habit.extend(areas.iter().map(|[_, habit]| [*habit; 3]));
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
        let means =
            Means::new(&[self.audiences.iter().collect(), self.audiences_by_habit.iter().collect()], &owners, seed);
        Some([means.of(0, 0), means.of(1, 0)])
    }
}

/// The best `k` offers for the customer of a case, by their items.
pub(super) fn answer(model: &Model, on_offer: &OnOffer, case: &Case, k: usize) -> Vec<u32> {
    recommend::offers(model, case.customer, on_offer, k).into_iter().filter_map(|ranked| ranked.item).collect()
}
