//! Benchmarks of offers: the offers of each week are ranked for each customer who bought any of them, and the customers
//! for each offer.

use std::sync::Arc;
use trolley_model::figures::{Benchmark, Estimate, MODEL};

use trolley_model::recommend::{self, PreparedOffers};
use trolley_model::{Item, Model};

use super::audience::Audiences;
use super::baselines;
use super::benchmark::{Method, Tally};
use super::bought_together::anonymous;
use super::case::Case;
use super::neighbours::OfCustomers;
use super::tuned::Tuned;
use super::weeks::Week;
use crate::input::{OfferRow, Transactions};

pub(super) const K: usize = 20;

/// The benchmark over several weeks, each answered by its own model.
#[derive(Default)]
pub(super) struct Weekly {
    tally: Tally,
    anonymous: Tally,
    audiences: Audiences,
}

impl Weekly {
    /// Evaluates a week, answered by a model of the days before it.
    pub(super) fn judge(
        &mut self,
        model: &Model,
        week: &Week,
        transactions: &Transactions,
        (offers, names): (&[OfferRow], &[String]),
        tuned: &Tuned,
        seed: u64,
    ) {
        let offered = Arc::new(week.offered(model, offers, seed));
        let cases = week.cases(model, transactions, &offered);
        let habits = &tuned.offers;
        let of_customers = OfCustomers::new(model, transactions, 0..week.baskets.start);
        let neighbours = of_customers.map(|all| [all.tifu_knn(habits.tifu_knn), all.up_cf(habits.up_cf)]);
        let on_offer = offered.ready(model, names, 0..offered.items.len());
        let mut methods = vec![
            Method::new(MODEL, |case, k| answer(model, &on_offer, case, k)),
            Method::new("bestsellers", |case, k| baselines::bestsellers(model, case, k)),
            Method::new("recent bestsellers", |case, k| baselines::recent_bestsellers(model, case, k)),
            Method::new("most frequent", |case, k| baselines::most_frequent(model, case, k)),
            Method::new("most frequent, decayed", |case, k| {
                baselines::most_frequent_decayed(model, case, k, habits.half_life)
            }),
            Method::new("iALS", |case, k| baselines::ials(model, case, k)),
        ];
        if let Some([tifu_knn, up_cf]) = &neighbours {
            methods.push(Method::new("TIFU-KNN", |case, k| tifu_knn.answer(model, case, k)));
            methods.push(Method::new("UP-CF", |case, k| up_cf.answer(model, case, k)));
        }
        self.tally.judge(&cases, &methods, K);
        let known: Vec<Case> = cases.iter().filter(|case| case.customer.is_some()).cloned().collect();
        methods.truncate(3);
        self.anonymous.judge(&anonymous(&known), &methods, K);
        self.audiences.judge(model, &cases, &offered, names, transactions, seed);
    }

    /// The benchmark of all customers, and the anonymous one of the customers that the model knows.
    pub(super) fn benchmarks(&self, question: &str, seed: u64) -> impl Iterator<Item = Benchmark> {
        let anonymous = "The same of known customers, asked anonymously";
        let all = [(&self.tally, "offers", question), (&self.anonymous, "offers_anonymous", anonymous)];
        let judged = all.into_iter().filter(|(tally, ..)| !tally.is_empty());
        judged.map(move |(tally, name, question)| tally.benchmark(name, question, K, seed))
    }

    /// Quality of the audiences; see [`Audiences::estimates`].
    pub(super) fn audience(&self, seed: u64) -> Option<[Estimate; 2]> {
        self.audiences.estimates(seed)
    }
}

/// The items of the best `k` offers for the customer of a case.
pub(super) fn answer(model: &Model, on_offer: &PreparedOffers, case: &Case, k: usize) -> Vec<Item> {
    recommend::offers(model, case.customer.map(|customer| model.profile(customer)), on_offer, k)
        .into_iter()
        .filter_map(|ranked| ranked.item)
        .collect()
}
