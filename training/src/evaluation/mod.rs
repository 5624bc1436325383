//! How good the answers are, measured on weeks that the model has not seen.
//!
//! Time decides: the model is fitted on the baskets before the test period. From each test basket of two or more
//! items one is drawn as the query; the others are what should be found. Every item of the catalogue is a candidate.
//! The model answers through the functions that the service calls, and the baselines through the same code path.

mod baselines;
mod metrics;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trolley_model::recommend::{Limits, bought_together};
use trolley_model::{Ask, Model};

use crate::config::TrainingConfig;
use crate::fit::fit;
use crate::input::{Items, NOBODY, Transactions};
use crate::progress::Progress;
use crate::random::Random;
use metrics::Figures;

/// Length of the lists that are judged.
const K: usize = 6;

/// One way of answering, and how good it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Share of the queries with at least one hit among the six.
    pub hit_rate: f64,
    /// Mean share of the basket's other items that are among the six.
    pub recall: f64,
    /// Mean normalised discounted cumulative gain of the six.
    pub ndcg: f64,
}

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// First day of the test period, in days since 1970-01-01.
    pub test_from: u16,
    /// Number of test baskets.
    pub queries: usize,
    /// Of these, with a customer whom the model knows.
    pub known_customers: usize,
    /// By name: the model and the baselines.
    pub scores: BTreeMap<String, Score>,
}

/// Fits a model on all but the last `test_days` days and judges it on these.
///
/// # Errors
/// In words, if the period is too short or the model cannot be made.
pub fn evaluate(
    transactions: &Transactions,
    items: &Items,
    config: &TrainingConfig,
    test_days: u16,
    progress: &dyn Progress,
) -> Result<Evaluation, String> {
    let last = transactions.baskets.last().map_or(0, |basket| basket.day);
    let test_from = (last + 1).saturating_sub(test_days);
    let until = transactions.before(test_from);
    if until == 0 {
        return Err(format!("all transactions lie within the last {test_days} days: nothing is left to learn from"));
    }
    let model = Model::new(fit(transactions, until, items, config, progress)?)?;
    Ok(judge(&model, transactions, until, test_from, config.seed))
}

struct Query {
    /// Catalogue number of the item asked about, if the model knows it.
    item: Option<u32>,
    customer: Option<u32>,
    /// Catalogue numbers of the rest of the basket, rising.
    rest: Vec<u32>,
    /// How many others the basket has, known to the model or not.
    relevant: usize,
}

/// Answers a question with the numbers of items, best first.
type Answer<'a> = Box<dyn Fn(&Ask<'_>) -> Vec<u32> + Sync + 'a>;

fn judge(model: &Model, transactions: &Transactions, until: usize, test_from: u16, seed: u64) -> Evaluation {
    let queries: Vec<Query> = (until..transactions.baskets.len())
        .filter(|&basket| transactions.items_of(basket).len() >= 2)
        .map(|basket| query(model, transactions, basket, seed))
        .collect();
    let everything = |_: u32| true;
    let limits = Limits { limit: K, allowed: &everything, repeats: true };
    let ours = |ask: &Ask<'_>| bought_together(model, ask, &limits).into_iter().map(|r| r.item).collect();
    let answers: [(&str, Answer<'_>); 6] = [
        ("model", Box::new(ours)),
        ("model, anonymous", Box::new(move |ask| ours(&Ask { customer: None, ..*ask }))),
        ("bestsellers", Box::new(|ask| baselines::bestsellers(model, ask, K))),
        ("co-purchase count", Box::new(|ask| baselines::co_purchase_count(model, ask, K))),
        ("customer's most frequent", Box::new(|ask| baselines::most_frequent(model, ask, K))),
        ("customer's most frequent, decayed", Box::new(|ask| baselines::most_frequent_decayed(model, ask, K))),
    ];
    let score = |answer: &Answer<'_>| {
        let figures: Vec<Figures> = queries
            .par_iter()
            .map(|query| {
                let items: Vec<u32> = query.item.into_iter().collect();
                let shown = answer(&Ask { items: &items, customer: query.customer });
                metrics::figures(&shown, &query.rest, query.relevant, K)
            })
            .collect();
        metrics::mean(&figures)
    };
    Evaluation {
        test_from,
        queries: queries.len(),
        known_customers: queries.iter().filter(|query| query.customer.is_some()).count(),
        scores: answers.iter().map(|(name, answer)| ((*name).to_owned(), score(answer))).collect(),
    }
}

fn query(model: &Model, transactions: &Transactions, basket: usize, seed: u64) -> Query {
    let items = transactions.items_of(basket);
    // Drawn by what the basket holds, not by numbers that depend on the order of the files.
    let mut ids: Vec<&str> = items.iter().map(|&item| transactions.items.get(item)).collect();
    ids.sort_unstable();
    let asked = ids.swap_remove(Random::new(seed, &[5, basket as u64]).below(ids.len()));
    let number = |id: &str| model.catalogue().items().position(id);
    let mut rest: Vec<u32> = ids.iter().filter_map(|id| number(id)).collect();
    rest.sort_unstable();
    let customer = transactions.baskets[basket].customer;
    let customer = (customer != NOBODY).then(|| transactions.customers.get(customer));
    Query {
        item: number(asked),
        customer: customer.and_then(|id| model.histories().customers().position(id)),
        rest,
        relevant: ids.len(),
    }
}
