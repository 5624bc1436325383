//! Benchmark of alternatives: a customer with a usual item in a category bought other items of it instead. The usual
//! item is the query, and the items bought instead are relevant.

use std::collections::HashMap;
use std::ops::Range;
use trolley_model::figures::{Benchmark, MODEL, Substitution};

use rayon::prelude::*;
use trolley_model::recommend::{Limits, Tier, alternatives};
use trolley_model::{Category, Customer, Item, Model, Query};

use super::baselines;
use super::benchmark::{Method, Tally};
use super::bought_together::anonymous;
use super::case::{Bands, Case, History};
use super::numbering::Numbering;
use crate::input::Transactions;
use crate::random::Random;

pub(super) const K: usize = 6;

/// Minimum number of a customer's baskets with an item for it to be usual.
const USUAL: u16 = 3;

/// Number of baskets added to both the observed and the expected co-purchases of a pair, which shrinks lifts towards 1:
/// most pairs of rare items never occurred together, which is no evidence.
const PRIOR_BASKETS: f64 = 3.0;

/// One case for each category of which a basket of the range contains items, but not the customer's usual one. Mixed
/// categories have no cases, because their items cannot replace each other.
pub(crate) fn cases(model: &Model, transactions: &Transactions, baskets: Range<usize>) -> Vec<Case> {
    let numbering = Numbering::new(transactions, model);
    let bands = Bands::new(model);
    let mut usual: HashMap<Customer, HashMap<Category, Item>> = HashMap::new();
    let mut cases = Vec::new();
    for basket in baskets {
        let owner = transactions.baskets[basket].customer;
        let Some(customer) = numbering.customer(owner) else { continue };
        let usual = usual.entry(customer).or_insert_with(|| usual_items(model, customer));
        let items = numbering.items(transactions.items_of(basket));
        let mut by_category: Vec<(Category, Item)> =
            items.iter().filter_map(|&item| Some((model.catalogue().kind(item)?, item))).collect();
        by_category.sort_unstable();
        for same in by_category.chunk_by(|a, b| a.0 == b.0) {
            let relevant: Vec<Item> = same.iter().map(|&(_, item)| item).collect();
            let Some(&asked) = usual.get(&same[0].0).filter(|usual| !relevant.contains(usual)) else { continue };
            cases.push(Case {
                items: vec![asked],
                customer: Some(customer),
                store: transactions.store_of(basket).and_then(|store| numbering.store(store)),
                owner,
                basket,
                relevant_count: relevant.len(),
                relevant,
                band: bands.of(Some(asked)),
                history: History::of(model, Some(customer)),
                ..Case::default()
            });
        }
    }
    cases
}

/// The customer's most frequent item of each category, if it was in at least [`USUAL`] of their baskets.
fn usual_items(model: &Model, customer: Customer) -> HashMap<Category, Item> {
    let mut usual: HashMap<Category, (u16, Item)> = HashMap::new();
    for stats in model.profile(customer).stats().filter(|stats| stats.baskets >= USUAL) {
        if let Some(category) = model.catalogue().kind(stats.item) {
            let best = usual.entry(category).or_insert((0, stats.item));
            if stats.baskets > best.0 {
                *best = (stats.baskets, stats.item);
            }
        }
    }
    usual.into_iter().map(|(category, (_, item))| (category, item)).collect()
}

/// The share of cases with a relevant item among the six.
pub(super) fn hit_rate(model: &Model, cases: &[Case]) -> f64 {
    let is_hit = |case: &&Case| answer(model, case, K).into_iter().any(|item| case.is_relevant(item));
    cases.par_iter().filter(is_hit).count() as f64 / cases.len().max(1) as f64
}

pub(super) fn answer(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let sells = |item| case.store.is_none_or(|store| model.stores().sells(store, item));
    let limits = Limits { allowed: &|item| case.may_show(item) && sells(item), ..Limits::best(k) };
    alternatives(model, &case.query(model), &limits).into_iter().map(|recommended| recommended.item).collect()
}

/// The benchmarks of a test period; the one with a customer comes first.
pub(super) fn benchmarks(model: &Model, cases: &[Case], seed: u64) -> Vec<Benchmark> {
    let anywhere: Vec<Case> = cases.iter().map(|case| Case { store: None, ..case.clone() }).collect();
    let in_store: Vec<Case> = anonymous(cases).into_iter().filter(|case| case.store.is_some()).collect();
    let kinds = [
        ("alternatives", "What the customer bought in the place of their usual item", anywhere.clone()),
        ("alternatives_anonymous", "The same, the customer not being known", anonymous(&anywhere)),
        ("alternatives_in_store", "The same, the store being known and not the customer", in_store),
    ];
    let mut benchmarks = Vec::new();
    for (name, question, cases) in kinds {
        let mut methods = vec![
            Method::new(MODEL, |case, k| answer(model, case, k)),
            Method::new("bestsellers of the kind", |case, k| baselines::bestsellers_of_the_kind(model, case, k)),
            Method::new("co-purchase count", |case, k| baselines::co_purchase_count(model, case, k)),
            Method::new("item2vec cosine", |case, k| baselines::item2vec_cosine(model, case, k)),
        ];
        if name == "alternatives" {
            methods.push(Method::new("most frequent of the kind", |case, k| {
                baselines::most_frequent_of_the_kind(model, case, k)
            }));
        }
        let mut tally = Tally::default();
        tally.judge(&cases, &methods, K);
        if !tally.is_empty() {
            benchmarks.push(tally.benchmark(name, question, K, seed));
        }
    }
    benchmarks
}

/// For one query item: the share of its six alternatives that are of its category, the lifts of those of the tier
/// `model`, and the lifts of random items of the category.
type Asked = (f64, Vec<f64>, Vec<f64>);

/// Measures the anonymous alternatives to each distinct query item of the cases, and their lifts with it in the baskets
/// before `until`.
pub(super) fn substitution(
    model: &Model,
    cases: &[Case],
    transactions: &Transactions,
    until: usize,
    seed: u64,
) -> Substitution {
    let mut items: Vec<Item> = cases.iter().flat_map(|case| case.items.iter().copied()).collect();
    items.sort_unstable();
    items.dedup();
    let holders = holders(model, transactions, until);
    let lift = |a: Item, b: Item| {
        let (a, b) = (&holders[a.index()], &holders[b.index()]);
        let by_chance = a.len() as f64 * b.len() as f64 / until as f64;
        (common(a, b) as f64 + PRIOR_BASKETS) / (by_chance + PRIOR_BASKETS)
    };
    let judged: Vec<Asked> = items
        .par_iter()
        .filter_map(|&item| {
            let category = model.catalogue().category(item)?;
            let limits = Limits::best(K);
            let six = alternatives(model, &Query { items: &[item], ..Query::default() }, &limits);
            let own = six.iter().filter(|one| one.tier == Tier::Model);
            let alike = six.iter().filter(|one| model.catalogue().category(one.item) == Some(category)).count();
            let members = model.catalogue().members(category);
            let others: Vec<Item> = members.iter().copied().filter(|&other| other != item).collect();
            let mut random = Random::new(seed, &[0xa1, u64::from(item.0)]);
            let drawn = (0..if others.is_empty() { 0 } else { K }).map(|_| others[random.below(others.len())]);
            Some((
                alike as f64 / six.len().max(1) as f64,
                own.map(|one| lift(item, one.item)).collect(),
                drawn.map(|other| lift(item, other)).collect(),
            ))
        })
        .collect();
    let median = |lifts: fn(&Asked) -> &Vec<f64>| {
        let mut all: Vec<f64> = judged.iter().flat_map(lifts).copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    };
    Substitution {
        items: judged.len(),
        category_agreement: judged.iter().map(|(alike, ..)| alike).sum::<f64>() / judged.len().max(1) as f64,
        lift: median(|judged| &judged.1),
        lift_of_random: median(|judged| &judged.2),
    }
}

/// The baskets before `until` that contain each item of the model.
fn holders(model: &Model, transactions: &Transactions, until: usize) -> Vec<Vec<u32>> {
    let numbering = Numbering::new(transactions, model);
    let mut holders = vec![Vec::new(); model.catalogue().items().len()];
    for basket in 0..until {
        for &item in transactions.items_of(basket) {
            if let Some(item) = numbering.item(item) {
                holders[item.index()].push(basket as u32);
            }
        }
    }
    holders
}

/// Number of common elements of two ascending lists.
fn common(mut a: &[u32], mut b: &[u32]) -> usize {
    let mut common = 0;
    while let (Some((first, a_rest)), Some((second, b_rest))) = (a.split_first(), b.split_first()) {
        match first.cmp(second) {
            std::cmp::Ordering::Less => a = a_rest,
            std::cmp::Ordering::Greater => b = b_rest,
            std::cmp::Ordering::Equal => (a, b, common) = (a_rest, b_rest, common + 1),
        }
    }
    common
}
