//! Paired comparison of two models on the same cases.
//!
//! A published model is trained on everything, so it has seen the test weeks. Held-out models are compared instead:
//! each published model is stored with one that is trained on the days before its own test and has the same blends.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use trolley_model::figures::Estimate;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trolley_model::{Item, Model};

use super::bootstrap::Means;
use super::case::Case;
use super::metrics::{Figures, METRICS, figures};
use super::numbering::Numbering;
use super::offered::Offered;
use super::shown::Lists;
use super::weeks::{Week, weeks};
use super::{Tables, alternatives, bought_together, offers};
use crate::input::{ANONYMOUS, Transactions};

/// The benchmarks in which all relevant items count. Each has a blend of its own.
pub(crate) const QUESTIONS: [&str; 5] =
    ["bought_together", "bought_together_anonymous", "offers", "alternatives", "alternatives_anonymous"];

/// The first two benchmarks, restricted to items that are new to the customer.
const OF_NEW: [&str; 2] = ["bought_together_new", "bought_together_anonymous_new"];

/// The benchmarks on which models are compared.
pub(crate) fn compared() -> impl Iterator<Item = &'static str> {
    QUESTIONS.into_iter().chain(OF_NEW)
}

/// The metric by which models are compared on a benchmark, for example `offers.ndcg`. For bought together it is the hit
/// rate, because its blend is not learned to rank what a customer buys anyway.
pub fn compared_by(benchmark: &str) -> String {
    let metric = if QUESTIONS[..2].contains(&benchmark) { "hit_rate" } else { "ndcg" };
    format!("{benchmark}.{metric}")
}

/// Metrics of bought together whose lead is a difference, not a ratio, because both values are near 0.
pub(crate) const DUE_TO_ITEM: [&str; 2] = ["bought_together.due_to_item", "bought_together_anonymous.due_to_item"];

/// Minimum number of cases of a comparison or an evaluation.
pub(crate) const FEWEST_CASES: usize = 100;

/// One metric of two models on the same cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Number of cases.
    pub cases: usize,
    /// Number of customers of these cases.
    pub customers: usize,
    /// Value of the first model.
    pub ours: f64,
    /// Value of the second model.
    pub theirs: f64,
    /// Lead of the first model, relative to the second one's value; for `due_to_item` the absolute difference.
    pub lead: Estimate,
}

/// Comparisons by metric, such as `offers.ndcg`. Benchmarks with fewer than 100 common cases are left out.
pub type Leads = BTreeMap<String, Paired>;

/// The metrics of one model's answer to a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Identifies the case: basket or week, customer, and query item.
    key: (usize, u32, u32),
    pub(crate) owner: u32,
    pub(crate) figures: Figures,
    /// `due_to_item`; NaN where it is not measured.
    due: [f64; 1],
}

#[cfg(test)]
impl Answer {
    /// The same answer for another customer.
    pub(crate) fn of_other(&self, owner: u32) -> Self {
        Self { key: (self.key.0, owner, self.key.2), owner, ..*self }
    }
}

/// The answers of a model per benchmark.
pub(crate) type Sheets = Vec<(String, Vec<Answer>)>;

/// The queries that two models answer.
pub(crate) struct Questions<'a> {
    models: [&'a Model; 2],
    tables: Tables<'a>,
    test: Range<usize>,
    weeks: Vec<Week>,
    offered: Vec<[Arc<Offered>; 2]>,
    seed: u64,
}

impl<'a> Questions<'a> {
    /// Takes the queries from the baskets of a range, which must not be in the training data of either model. `None` if
    /// there is no basket.
    pub(crate) fn new(models: [&'a Model; 2], tables: Tables<'a>, test: Range<usize>, seed: u64) -> Option<Self> {
        let Tables { transactions, offers, .. } = tables;
        let baskets = transactions.baskets.get(test.clone())?;
        let (first, last) = (baskets.first()?.day, baskets.last()?.day);
        let weeks = weeks(transactions, offers, first..last + 1, first);
        let offered = weeks.iter().map(|week| week.offered_by_both(models, offers, seed).map(Arc::new)).collect();
        Some(Self { models, tables, test, weeks, offered, seed })
    }

    /// The answers of one of the models.
    pub(crate) fn answers(&self, which: usize) -> Sheets {
        let (model, Tables { transactions, numbers, .. }) = (self.models[which], self.tables);
        let basket = |case: &Case| (case.basket, case.owner, ANONYMOUS);
        let together = bought_together::cases(model, transactions, self.test.clone(), self.seed);
        let answer = |case: &Case, k| bought_together::answer(model, case, k);
        let k = bought_together::K;
        let new = new_to_the_customer(&together, model, transactions, self.test.start);
        let nobody = bought_together::anonymous;
        let lists = Lists::new(model, transactions, self.test.clone());
        let due = |case: &Case, list: &[Item]| lists.due(case, list);
        let not_measured = |_: &Case, _: &[Item]| f64::NAN;

        let mut weekly = Vec::new();
        for (number, (week, offered)) in self.weeks.iter().zip(&self.offered).enumerate() {
            let offered = &offered[which];
            let on_offer = offered.ready(model, numbers, 0..offered.items.len());
            let cases = week.cases(model, transactions, offered);
            let key = |case: &Case| (number, case.owner, ANONYMOUS);
            weekly.extend(judge(
                &cases,
                offers::K,
                key,
                |case, k| offers::answer(model, &on_offer, case, k),
                not_measured,
            ));
        }

        let mut instead = alternatives::cases(model, transactions, self.test.clone());
        // An older model may not know the stores.
        instead.iter_mut().for_each(|case| case.store = None);
        let asked = |case: &Case| {
            let item = case.items.first().map(|&item| model.catalogue().id(item));
            let item = item.and_then(|id| transactions.items.position(id)).unwrap_or(ANONYMOUS);
            (case.basket, case.owner, item)
        };
        let other = |case: &Case, k| alternatives::answer(model, case, k);
        let sheets = [
            judge(&together, k, basket, answer, due),
            judge(&nobody(&together), k, basket, answer, due),
            weekly,
            judge(&instead, alternatives::K, asked, other, not_measured),
            judge(&nobody(&instead), alternatives::K, asked, other, not_measured),
            judge(&new, k, basket, answer, not_measured),
            judge(&nobody(&new), k, basket, answer, not_measured),
        ];
        compared().map(str::to_owned).zip(sheets).collect()
    }
}

/// Compares two models on the baskets of a range, which must not be in the training data of either model.
pub(crate) fn leads(models: [&Model; 2], tables: Tables<'_>, test: Range<usize>, seed: u64) -> Leads {
    let Some(questions) = Questions::new(models, tables, test, seed) else { return Leads::new() };
    let (ours, theirs) = (questions.answers(0), questions.answers(1));
    ours.iter().zip(&theirs).flat_map(|((name, ours), (_, theirs))| paired(name, ours, theirs, seed)).collect()
}

/// Compares two models on the cases that are in both lists.
pub(crate) fn paired(benchmark: &str, ours: &[Answer], theirs: &[Answer], seed: u64) -> Leads {
    let by_key: HashMap<_, &Answer> = theirs.iter().map(|one| (one.key, one)).collect();
    let pairs: Vec<[&Answer; 2]> = ours.iter().filter_map(|one| Some([one, *by_key.get(&one.key)?])).collect();
    if pairs.len() < FEWEST_CASES {
        return Leads::new();
    }
    let figures = [0, 1].map(|of: usize| pairs.iter().map(|pair| &pair[of].figures).collect());
    let means = Means::new(&figures, &pairs.iter().map(|pair| pair[0].owner).collect::<Vec<_>>(), seed);
    let of_metric = |(metric, label): (usize, &&str)| {
        let lead = means.lead(0, 1, metric)?;
        let (ours, theirs) = (means.of(0, metric)?.value, means.of(1, metric)?.value);
        let paired = Paired { cases: pairs.len(), customers: means.owners(), ours, theirs, lead };
        Some((format!("{benchmark}.{label}"), paired))
    };
    METRICS.iter().enumerate().filter_map(of_metric).chain(due(benchmark, &pairs, seed)).collect()
}

/// Compares `due_to_item` on the cases where it is measured for both models.
fn due(benchmark: &str, pairs: &[[&Answer; 2]], seed: u64) -> Option<(String, Paired)> {
    let measured = pairs.iter().filter(|pair| pair.iter().all(|answer| answer.due[0].is_finite()));
    let pairs: Vec<&[&Answer; 2]> = measured.collect();
    if pairs.len() < FEWEST_CASES {
        return None;
    }
    let figures = [0, 1].map(|of: usize| pairs.iter().map(|pair| &pair[of].due).collect());
    let means = Means::new(&figures, &pairs.iter().map(|pair| pair[0].owner).collect::<Vec<_>>(), seed);
    let (ours, theirs) = (means.of(0, 0)?.value, means.of(1, 0)?.value);
    let lead = means.difference(0, 1, 0)?;
    Some((
        format!("{benchmark}.due_to_item"),
        Paired { cases: pairs.len(), customers: means.owners(), ours, theirs, lead },
    ))
}

/// The cases of known customers, restricted to items that they had not bought before the basket `from`: earlier
/// purchases are barred and not relevant. They are taken from the transactions, so that models with different training
/// periods get the same cases.
fn new_to_the_customer(cases: &[Case], model: &Model, transactions: &Transactions, from: usize) -> Vec<Case> {
    let numbering = Numbering::new(transactions, model);
    let mut before: HashMap<u32, Vec<u32>> = HashMap::new();
    for basket in 0..from {
        let customer = transactions.baskets[basket].customer;
        if customer != ANONYMOUS {
            before.entry(customer).or_default().extend(transactions.items_of(basket));
        }
    }
    for items in before.values_mut() {
        items.sort_unstable();
        items.dedup();
    }
    let new = |case: &Case| {
        let known = before.get(&case.owner)?;
        let bought = transactions.items_of(case.basket).iter();
        let repeats = bought.filter(|item| known.binary_search(item).is_ok());
        let asked = case.asked.is_some_and(|asked| known.binary_search(&asked).is_ok());
        let relevant_count = case.relevant_count - (repeats.count() - usize::from(asked));
        let barred = numbering.items(known);
        let relevant = case.relevant.iter().copied().filter(|item| barred.binary_search(item).is_err()).collect();
        (relevant_count > 0).then(|| Case { relevant, relevant_count, barred, ..case.clone() })
    };
    cases.iter().filter_map(new).collect()
}

fn judge(
    cases: &[Case],
    k: usize,
    key: impl Fn(&Case) -> (usize, u32, u32) + Sync,
    answer: impl Fn(&Case, usize) -> Vec<Item> + Sync,
    due: impl Fn(&Case, &[Item]) -> f64 + Sync,
) -> Vec<Answer> {
    let one = |case: &Case| {
        let list = answer(case, k);
        let figures = figures(&list, &case.relevant, case.relevant_count, k);
        Answer { key: key(case), owner: case.owner, figures, due: [due(case, &list)] }
    };
    cases.par_iter().map(one).collect()
}
