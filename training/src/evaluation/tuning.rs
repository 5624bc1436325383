//! Tuning of the baselines on the weeks before the test, on which the model's blends are learned too.

use std::collections::BTreeMap;

use rayon::prelude::*;
use trolley_model::{Customer, Item, Model};

use super::case::Case;
use super::metrics::figures;
use super::neighbours::{OfCustomers, TifuKnn, UpCf};
use super::tuned::{
    HALF_LIVES, Habits, LIFT_PRIORS, Named, TIFU_NEIGHBOURS, TIFU_OWN_SHARES, TIFU_VECTORS, Together, Tuned,
    UP_ASYMMETRIES, UP_LOCALITIES, UP_WINDOWS,
};
use super::{baselines, bought_together, offers};
use crate::input::Transactions;

/// Approximate number of cases on which settings are tried. Larger sets are sampled evenly, to less than twice this
/// number.
const CASES: usize = 500;

impl Tuned {
    /// Chooses the settings for bought together, on cases after the training period of `model`.
    pub(super) fn bought_together(&mut self, model: &Model, cases: &[Case]) {
        let (all, k) = (sample(cases), bought_together::K);
        let known: Vec<&Case> = all.iter().copied().filter(|case| case.customer.is_some()).collect();
        let lift = |&prior: &f32| ndcg(&all, k, |case| baselines::lift(model, case, k, prior));
        let frequent = |&days: &f32| ndcg(&known, k, |case| baselines::most_frequent_decayed(model, case, k, days));
        self.together =
            Together { lift_prior: best(LIFT_PRIORS.to_vec(), lift), half_life: best(HALF_LIVES.to_vec(), frequent) };
    }

    /// The settings by question and baseline.
    pub(super) fn named(&self) -> Named {
        let one = |name: &str, value: f32| BTreeMap::from([(name.to_owned(), f64::from(value))]);
        let mut named = self.offers.named("offers");
        named.insert("bought_together: shrunk lift".to_owned(), one("baskets", self.together.lift_prior));
        let half_life = one("half_life_days", self.together.half_life);
        named.insert("bought_together: most frequent, decayed".to_owned(), half_life);
        named
    }
}

impl Habits {
    /// Chooses the settings on cases that come after `baskets`, on which `model` is trained.
    pub(super) fn chosen(
        model: &Model,
        transactions: &Transactions,
        baskets: impl Iterator<Item = usize>,
        cases: &[Case],
        k: usize,
    ) -> Self {
        let cases = sample(cases);
        let frequent = |&days: &f32| ndcg(&cases, k, |case| baselines::most_frequent_decayed(model, case, k, days));
        let chosen = Self { half_life: best(HALF_LIVES.to_vec(), frequent), ..Self::default() };
        let Some(of_customers) = OfCustomers::new(model, transactions, baskets) else { return chosen };
        let mut customers: Vec<Customer> = cases.iter().filter_map(|case| case.customer).collect();
        customers.sort_unstable();
        customers.dedup();

        let mut tried: Vec<(TifuKnn, f64)> = Vec::new();
        let varied: Vec<(usize, f32)> =
            TIFU_NEIGHBOURS.into_iter().flat_map(|most| TIFU_OWN_SHARES.map(|share| (most, share))).collect();
        for (groups, within, between) in TIFU_VECTORS {
            let settings = TifuKnn { groups, within, between, ..TifuKnn::default() };
            for (&(neighbours, own_share), method) in
                varied.iter().zip(of_customers.tifu_knns(settings, &varied, &customers))
            {
                let found = ndcg(&cases, k, |case| method.answer(model, case, k));
                tried.push((TifuKnn { neighbours, own_share, ..settings }, found));
            }
        }
        let tifu_knn = best(tried, |tried| tried.1).0;

        let mut tried: Vec<(UpCf, f64)> = Vec::new();
        let varied: Vec<(usize, i32)> =
            UP_WINDOWS.into_iter().flat_map(|window| UP_LOCALITIES.map(|locality| (window, locality))).collect();
        for asymmetry in UP_ASYMMETRIES {
            for (&(window, locality), method) in varied.iter().zip(of_customers.up_cfs(asymmetry, &varied, &customers))
            {
                let found = ndcg(&cases, k, |case| method.answer(model, case, k));
                tried.push((UpCf { window, asymmetry, locality }, found));
            }
        }
        Self { tifu_knn, up_cf: best(tried, |tried| tried.1).0, ..chosen }
    }

    /// The settings by baseline, for one question.
    pub(super) fn named(&self, question: &str) -> Named {
        let Self { half_life, tifu_knn, up_cf } = *self;
        let settings = |name: &str, values: &[(&str, f32)]| {
            let values = values.iter().map(|&(key, value)| (key.to_owned(), rounded(value))).collect();
            (format!("{question}: {name}"), values)
        };
        Named::from([
            settings("most frequent, decayed", &[("half_life_days", half_life)]),
            settings(
                "TIFU-KNN",
                &[
                    ("groups", tifu_knn.groups as f32),
                    ("within", tifu_knn.within),
                    ("between", tifu_knn.between),
                    ("neighbours", tifu_knn.neighbours as f32),
                    ("own_share", tifu_knn.own_share),
                ],
            ),
            settings(
                "UP-CF",
                &[("window", up_cf.window as f32), ("asymmetry", up_cf.asymmetry), ("locality", up_cf.locality as f32)],
            ),
        ])
    }
}

/// Rounds for output: 0.7, not 0.699999988.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

fn sample(cases: &[Case]) -> Vec<&Case> {
    cases.iter().step_by((cases.len() / CASES).max(1)).collect()
}

fn ndcg(cases: &[&Case], k: usize, answer: impl Fn(&Case) -> Vec<Item> + Sync) -> f64 {
    let all: Vec<f64> =
        cases.par_iter().map(|case| figures(&answer(case), &case.relevant, case.relevant_count, k)[2]).collect();
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

/// The setting with the highest value; the first of equal ones.
fn best<S>(tried: Vec<S>, reached: impl Fn(&S) -> f64) -> S
where
    S: Copy,
{
    let mut best = (tried[0], f64::MIN);
    for setting in tried {
        let found = reached(&setting);
        if found > best.1 {
            best = (setting, found);
        }
    }
    best.0
}

/// The settings for offers, chosen on the cases of one week.
pub(super) fn of_offers(model: &Model, transactions: &Transactions, until: usize, cases: &[Case]) -> Habits {
    Habits::chosen(model, transactions, 0..until, cases, offers::K)
}
