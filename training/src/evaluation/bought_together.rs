//! Benchmarks of bought together: one item of each basket of two or more is the query, and the others are relevant.

use std::ops::Range;
use trolley_model::figures::{Benchmark, MODEL};

use trolley_model::recommend::{Limits, bought_together};
use trolley_model::{Item, Model};

use super::baselines;
use super::benchmark::{Method, Tally};
use super::case::{Bands, Case, History};
use super::numbering::Numbering;
use super::shown::Lists;
use super::tuned::{Together, Tuned};
use crate::input::Transactions;
use crate::random::Random;

pub(super) const K: usize = 6;

/// One case for each basket of the range with at least two items.
pub(crate) fn cases(model: &Model, transactions: &Transactions, baskets: Range<usize>, seed: u64) -> Vec<Case> {
    let numbering = Numbering::new(transactions, model);
    let bands = Bands::new(model);
    baskets
        .filter(|&basket| transactions.items_of(basket).len() >= 2)
        .map(|basket| {
            // Sampled by ID, because item numbers depend on the order of the files.
            let mut items = transactions.items_of(basket).to_vec();
            items.sort_unstable_by_key(|&item| transactions.items.get(item));
            let asked = items.swap_remove(Random::new(seed, &[5, basket as u64]).below(items.len()));
            let customer = numbering.customer(transactions.baskets[basket].customer);
            Case {
                items: numbering.item(asked).into_iter().collect(),
                customer,
                owner: transactions.owner(basket),
                basket,
                asked: Some(asked),
                relevant: numbering.items(&items),
                relevant_count: items.len(),
                band: bands.of(numbering.item(asked)),
                history: History::of(model, customer),
                ..Case::default()
            }
        })
        .collect()
}

/// Minimum number of items of a basket for a cart.
const FEWEST_ITEMS: usize = 4;

/// One case for each basket of the range with at least [`FEWEST_ITEMS`] items: a random half of them is the cart.
fn carts(model: &Model, transactions: &Transactions, baskets: Range<usize>, seed: u64) -> Vec<Case> {
    let numbering = Numbering::new(transactions, model);
    let cart = |basket: usize| {
        let mut items = transactions.items_of(basket).to_vec();
        items.sort_unstable_by_key(|&item| transactions.items.get(item));
        Random::new(seed, &[6, basket as u64]).shuffle(&mut items);
        let others = items.split_off(items.len() / 2);
        let customer = numbering.customer(transactions.baskets[basket].customer);
        let in_order = |item: &u32| numbering.item(*item);
        Case {
            items: items.iter().filter_map(in_order).collect(),
            customer,
            owner: transactions.owner(basket),
            basket,
            relevant: numbering.items(&others),
            relevant_count: others.len(),
            history: History::of(model, customer),
            ..Case::default()
        }
    };
    baskets.filter(|&basket| transactions.items_of(basket).len() >= FEWEST_ITEMS).map(cart).collect()
}

/// The same cases without the customer.
pub(crate) fn anonymous(cases: &[Case]) -> Vec<Case> {
    cases.iter().map(|case| Case { customer: None, ..case.clone() }).collect()
}

/// The cases of known customers, restricted to items that they have not bought before: earlier purchases are barred and
/// not relevant.
pub(super) fn new_to_the_customer(model: &Model, cases: &[Case]) -> Vec<Case> {
    let mut new: Vec<Case> = cases.iter().filter(|case| case.customer.is_some()).cloned().collect();
    for case in &mut new {
        case.barred = case.customer.map(|customer| model.profile(customer).items().to_vec()).unwrap_or_default();
        let all = case.relevant.len();
        case.relevant.retain(|item| case.barred.binary_search(item).is_err());
        case.relevant_count -= all - case.relevant.len();
    }
    new.retain(|case| case.relevant_count > 0);
    new
}

pub(super) fn answer(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let limits = Limits { allowed: &|item| case.may_show(item), repeats: case.barred.is_empty(), ..Limits::best(k) };
    bought_together(model, &case.query(model), &limits).into_iter().map(|recommended| recommended.item).collect()
}

/// The benchmarks of a test period, which begins with the basket `test`.
pub(super) fn benchmarks(
    model: &Model,
    cases: &[Case],
    transactions: &Transactions,
    test: usize,
    tuned: &Tuned,
    seed: u64,
) -> Vec<Benchmark> {
    let Together { lift_prior, half_life } = tuned.together;
    let new = new_to_the_customer(model, cases);
    // Without known customers there is no benchmark with the customer.
    let of_customers = if cases.iter().any(|case| case.customer.is_some()) { cases.to_vec() } else { Vec::new() };
    let kinds = [
        ("bought_together", "The rest of a basket, given one item of it and the customer", of_customers),
        ("bought_together_anonymous", "The rest of a basket, given one item of it", anonymous(cases)),
        ("bought_together_new", "What is new to the customer in the rest of a basket, given both", new.clone()),
        ("bought_together_anonymous_new", "What is new to the customer, given one item of the basket", anonymous(&new)),
    ];
    let lists = Lists::new(model, transactions, test..transactions.baskets.len());
    let mut benchmarks = Vec::new();
    for (name, question, cases) in kinds {
        let mut methods = vec![
            Method::new(MODEL, |case, k| answer(model, case, k)),
            Method::new("bestsellers", |case, k| baselines::bestsellers(model, case, k)),
            Method::new("recent bestsellers", |case, k| baselines::recent_bestsellers(model, case, k)),
            Method::new("co-purchase count", |case, k| baselines::co_purchase_count(model, case, k)),
            Method::new("co-purchase / √(n-1)", |case, k| baselines::co_purchase_weight(model, case, k)),
            Method::new("co-purchase + popularity", |case, k| baselines::logs(model, case, k)),
            Method::new("shrunk lift", |case, k| baselines::lift(model, case, k, lift_prior)),
            Method::new("cosine", |case, k| baselines::cosine(model, case, k)),
            Method::new("item2vec", |case, k| baselines::item2vec(model, case, k)),
            Method::new("item2vec cosine", |case, k| baselines::item2vec_cosine(model, case, k)),
        ];
        if cases.iter().any(|case| case.customer.is_some()) {
            methods.push(Method::new("iALS", |case, k| baselines::ials(model, case, k)));
            if name == "bought_together" {
                methods.push(Method::new("most frequent", |case, k| baselines::most_frequent(model, case, k)));
                methods.push(Method::new("most frequent, decayed", |case, k| {
                    baselines::most_frequent_decayed(model, case, k, half_life)
                }));
            }
        }
        let mut tally = Tally::default();
        let shown = tally.judge(&cases, &methods, K);
        if !name.ends_with("_new") {
            tally.describe(lists.figures(&cases, &shown, K));
        }
        if !tally.is_empty() {
            benchmarks.push(tally.benchmark(name, question, K, seed));
        }
    }
    let carts = carts(model, transactions, test..transactions.baskets.len(), seed);
    let methods = [
        Method::new(MODEL, |case, k| answer(model, case, k)),
        Method::new("bestsellers", |case, k| baselines::bestsellers(model, case, k)),
        Method::new("co-purchase / √(n-1)", |case, k| baselines::co_purchases_of_cart(model, case, k)),
        Method::new("most frequent, decayed", |case, k| baselines::most_frequent_decayed(model, case, k, half_life)),
    ];
    let mut tally = Tally::default();
    tally.judge(&carts, &methods, K);
    if !tally.is_empty() {
        let question = "The rest of a cart, given half of the basket and the customer";
        benchmarks.push(tally.benchmark("bought_together_cart", question, K, seed));
    }
    benchmarks
}
