//! Benchmarks of the lists for a customer: what they buy again, and what is new for them.

use std::collections::HashMap;
use std::ops::Range;

use trolley_model::Model;
use trolley_model::figures::{Benchmark, MODEL};
use trolley_model::recommend::{Limits, buy_again, new_for_you};

use super::baselines;
use super::benchmark::{Method, Tally};
use super::case::{Case, History};
use super::numbering::Numbering;
use crate::input::Transactions;

pub(super) const K: usize = 20;

/// Maximum number of items of a category in a list of what is new, as in the service by default.
const PER_CATEGORY: usize = 2;

/// Number of baskets of a customer from which the blends are learned.
pub(super) const LEARNED: usize = 2;

/// One case for each basket of a known customer in the range.
pub(super) fn cases(model: &Model, transactions: &Transactions, baskets: Range<usize>) -> Vec<Case> {
    let numbering = Numbering::new(transactions, model);
    let case = |basket: usize| {
        let owner = transactions.baskets[basket].customer;
        let customer = numbering.customer(owner)?;
        let items = transactions.items_of(basket);
        Some(Case {
            customer: Some(customer),
            owner,
            basket,
            relevant: numbering.items(items),
            relevant_count: items.len(),
            history: History::of(model, Some(customer)),
            ..Case::default()
        })
    };
    baskets.filter_map(case).collect()
}

/// The first cases of each customer: what comes next after the model was trained.
pub(super) fn first_of_each(mut cases: Vec<Case>, most: usize) -> Vec<Case> {
    let mut seen: HashMap<u32, usize> = HashMap::new();
    cases.retain(|case| {
        let number = seen.entry(case.owner).or_default();
        *number += 1;
        *number <= most
    });
    cases
}

/// The same cases, limited to what the customer had bought before, or to what they had not.
pub(super) fn only(model: &Model, cases: &[Case], bought: bool) -> Vec<Case> {
    let of_kind = |case: &Case| {
        let profile = case.profile(model)?;
        let mut case = Case { barred: Vec::new(), ..case.clone() };
        let known = case.relevant.len();
        case.relevant.retain(|&item| profile.has_bought(item) == bought);
        // Items that the model does not know are new.
        case.relevant_count = case.relevant.len() + if bought { 0 } else { case.relevant_count - known };
        if !bought {
            case.barred = profile.items().to_vec();
        }
        (case.relevant_count > 0).then_some(case)
    };
    cases.iter().filter_map(of_kind).collect()
}

/// The benchmarks on a test period.
pub(super) fn benchmarks(model: &Model, cases: &[Case], half_life: f32, seed: u64) -> Vec<Benchmark> {
    let again = |case: &Case, k: usize| {
        let found = buy_again(model, &case.query(model), &Limits::best(k));
        found.into_iter().map(|due| due.found.item).collect()
    };
    let new = |case: &Case, k: usize| {
        let found = new_for_you(model, &case.query(model), &Limits::best(k), PER_CATEGORY);
        found.into_iter().map(|found| found.item).collect()
    };
    let of_again = [
        Method::new(MODEL, again),
        Method::new("most frequent", |case, k| baselines::most_frequent(model, case, k)),
        Method::new("most frequent, decayed", |case, k| baselines::most_frequent_decayed(model, case, k, half_life)),
    ];
    let of_new = [
        Method::new(MODEL, new),
        Method::new("bestsellers", |case, k| baselines::bestsellers(model, case, k)),
        Method::new("recent bestsellers", |case, k| baselines::recent_bestsellers(model, case, k)),
        Method::new("iALS", |case, k| baselines::ials(model, case, k)),
    ];
    let asked: [(&str, &str, Vec<Case>, &[Method<'_>]); 2] = [
        (
            "buy_again",
            "What a customer's next basket holds of what they had bought before",
            only(model, cases, true),
            &of_again,
        ),
        (
            "new_for_you",
            "What a customer's next basket holds of what they had never bought",
            only(model, cases, false),
            &of_new,
        ),
    ];
    let mut benchmarks = Vec::new();
    for (name, question, cases, methods) in asked {
        let mut tally = Tally::default();
        tally.judge(&cases, methods, K);
        if !tally.is_empty() {
            benchmarks.push(tally.benchmark(name, question, K, seed));
        }
    }
    benchmarks
}
