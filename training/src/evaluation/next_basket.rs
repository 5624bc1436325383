//! Next-basket prediction by the protocol of the literature, for comparability: each customer's last basket is the
//! test, the blend is learned on the ones before it, all items are ranked, and repeats are allowed.

use trolley_model::figures::{Benchmark, MODEL};
use trolley_model::recommend::{self, Limits, Offer, PreparedOffers};
use trolley_model::{Item, Model};

use super::baselines;
use super::benchmark::{Method, Tally};
use super::case::{Case, History};
use super::neighbours::OfCustomers;
use super::numbering::Numbering;
use super::tuned::Habits;
use crate::input::{ANONYMOUS, Transactions};

pub(super) const K: usize = 10;

/// Maximum length of an answer of the service.
const LONGEST: usize = 200;

/// Minimum number of baskets of an evaluated customer.
const FEWEST: usize = 3;

/// Maximum number of a customer's baskets before the last one on which the blend is learned.
pub(super) const LEARNED: usize = 3;

/// The baskets of the protocol: each customer's last one, the one before it, and so on.
pub(super) struct LastBaskets(pub(super) [Vec<usize>; LEARNED + 1]);

impl LastBaskets {
    pub(super) fn new(transactions: &Transactions) -> Self {
        let mut of_customer: Vec<Vec<usize>> = vec![Vec::new(); transactions.customers.len()];
        for (basket, head) in transactions.baskets.iter().enumerate().filter(|(_, head)| head.customer != ANONYMOUS) {
            of_customer[head.customer as usize].push(basket);
        }
        let enough = || of_customer.iter().filter(|baskets| baskets.len() >= FEWEST);
        Self(std::array::from_fn(|back| {
            let mut baskets: Vec<usize> = enough().filter_map(|own| own.iter().rev().nth(back)).copied().collect();
            baskets.sort_unstable();
            baskets
        }))
    }
}

/// One case for each of the baskets.
pub(super) fn cases(model: &Model, transactions: &Transactions, baskets: &[usize]) -> Vec<Case> {
    let numbering = Numbering::new(transactions, model);
    let case = |&basket: &usize| {
        let owner = transactions.baskets[basket].customer;
        let customer = numbering.customer(owner);
        let items = transactions.items_of(basket);
        Case {
            customer,
            owner,
            relevant: numbering.items(items),
            relevant_count: items.len(),
            history: History::of(model, customer),
            ..Case::default()
        }
    };
    baskets.iter().map(case).collect()
}

/// The candidates of the model, with as much of the customer's history as for the longest answer of the service:
/// without a query item, the history is the main evidence.
pub(super) fn candidates(model: &Model, case: &Case) -> Vec<Item> {
    recommend::candidates(model, &case.query(model), &Limits::best(LONGEST))
}

pub(super) fn answer(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let candidates = candidates(model, case);
    let offers: Vec<Offer<'_>> = candidates.chunks(1).map(|items| Offer { items, numbers: &[] }).collect();
    let all = PreparedOffers::new(model, &offers);
    // All candidates are ranked, so that the list is not diversified: the task is to predict purchases.
    let ranking = recommend::offers(model, case.profile(model), &all, candidates.len());
    ranking.into_iter().filter_map(|ranked| ranked.item).take(k).collect()
}

/// The benchmarks over all items of the baskets, over repeat purchases, and over the others. The lists are the same;
/// only the relevant items differ.
pub(super) fn benchmarks(
    model: &Model,
    cases: &[Case],
    transactions: &Transactions,
    learned_from: impl Iterator<Item = usize>,
    tuned: &Habits,
    seed: u64,
) -> Vec<Benchmark> {
    let of_customers = OfCustomers::new(model, transactions, learned_from);
    let neighbours = of_customers.map(|all| [all.tifu_knn(tuned.tifu_knn), all.up_cf(tuned.up_cf)]);
    let mut methods = vec![
        Method::new(MODEL, |case, k| answer(model, case, k)),
        Method::new("bestsellers", |case, k| baselines::bestsellers(model, case, k)),
        Method::new("most frequent", |case, k| baselines::most_frequent(model, case, k)),
        Method::new("most frequent, decayed", |case, k| {
            baselines::most_frequent_decayed(model, case, k, tuned.half_life)
        }),
        Method::new("iALS", |case, k| baselines::ials(model, case, k)),
    ];
    if let Some([tifu_knn, up_cf]) = &neighbours {
        methods.push(Method::new("TIFU-KNN", |case, k| tifu_knn.answer(model, case, k)));
        methods.push(Method::new("UP-CF", |case, k| up_cf.answer(model, case, k)));
    }
    let bought_before =
        |case: &Case, item: Item| case.customer.is_some_and(|customer| model.profile(customer).has_bought(item));
    let only = |before: bool| -> Vec<Case> {
        let mut cases = cases.to_vec();
        for case in &mut cases {
            let all = case.relevant.len();
            let kept: Vec<Item> =
                case.relevant.iter().copied().filter(|&item| bought_before(case, item) == before).collect();
            // Items that the model does not know are new.
            case.relevant_count = kept.len() + if before { 0 } else { case.relevant_count - all };
            case.relevant = kept;
        }
        cases.retain(|case| case.relevant_count > 0);
        cases
    };
    let kinds = [
        ("next_basket", "Each customer's last basket", cases.to_vec()),
        ("next_basket_repeats", "What each customer had bought before, in their last basket", only(true)),
        ("next_basket_new", "What was new to each customer in their last basket", only(false)),
    ];
    let mut benchmarks = Vec::new();
    for (name, question, cases) in kinds {
        let mut tally = Tally::default();
        tally.judge(&cases, &methods, K);
        if !tally.is_empty() {
            benchmarks.push(tally.benchmark(name, question, K, seed));
        }
    }
    benchmarks
}
