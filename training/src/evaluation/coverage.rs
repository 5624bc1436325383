//! Coverage: the shares of customers and items that the tier `model` answers without a fallback, and catalogue
//! coverage.

use rayon::prelude::*;
use trolley_model::figures::Coverage;
use trolley_model::recommend::{Limits, Recommended, Tier, alternatives, bought_together};
use trolley_model::{Customer, Item, Model, Query};

use super::numbering::Numbering;
use crate::input::Transactions;
use crate::random::Random;

const K: usize = 6;

/// Period before the cut-off in which an item must be sold to be measured, in days.
const DAYS: u16 = 90;

/// Maximum number of sampled items, and of sampled customers.
const ASKED: usize = 5000;

/// Measures coverage on samples of the items sold in the last [`DAYS`] days before the basket `until`, and of the
/// customers.
pub(super) fn coverage(model: &Model, transactions: &Transactions, until: usize, seed: u64) -> Coverage {
    let numbering = Numbering::new(transactions, model);
    let end = transactions.baskets[..until].last().map_or(0, |basket| basket.day + 1);
    let recent = transactions.before(end.saturating_sub(DAYS))..until;
    let mut items: Vec<Item> = recent.flat_map(|basket| numbering.items(transactions.items_of(basket))).collect();
    items.sort_unstable();
    items.dedup();
    let mut random = Random::new(seed, &[0xc0]);
    random.shuffle(&mut items);
    items.truncate(ASKED);
    let mut customers: Vec<Customer> = model.histories().numbers().collect();
    random.shuffle(&mut customers);
    customers.truncate(ASKED);

    let limits = Limits::best(K);
    let of_item = |&item: &Item| {
        (
            bought_together(model, &Query { items: &[item], ..Query::default() }, &limits),
            alternatives(model, &Query { items: &[item], ..Query::default() }, &limits),
        )
    };
    let of_customer = |&customer: &Customer| {
        let usual = model.profile(customer).stats().max_by_key(|stats| (stats.baskets, std::cmp::Reverse(stats.item)));
        usual.map_or_else(Vec::new, |usual| {
            bought_together(
                model,
                &Query { items: &[usual.item], customer: Some(model.profile(customer)), ..Query::default() },
                &limits,
            )
        })
    };
    let (together, instead): (Vec<_>, Vec<_>) = items.par_iter().map(of_item).unzip();
    let for_customers: Vec<Vec<Recommended>> = customers.par_iter().map(of_customer).collect();
    let own = |answer: &&Vec<Recommended>| answer.first().is_some_and(|best| best.tier == Tier::Model);
    let whole = |answer: &&Vec<Recommended>| answer.len() == K && answer.iter().all(|one| one.tier == Tier::Model);
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let mut shown: Vec<Item> =
        [&together, &instead, &for_customers].into_iter().flatten().flatten().map(|one| one.item).collect();
    shown.sort_unstable();
    shown.dedup();
    Coverage {
        customers: share(for_customers.iter().filter(whole).count(), customers.len()),
        items: share(together.iter().filter(own).count(), items.len()),
        items_with_alternatives: share(instead.iter().filter(own).count(), items.len()),
        catalogue: share(shown.len(), model.catalogue().bought() as usize),
    }
}
