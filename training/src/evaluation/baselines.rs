//! What a shop would do without Trolley. Ties go to the bestseller, and short lists are filled up with bestsellers.

use std::cmp::Reverse;

use trolley_model::{Ask, Model};

pub(super) fn bestsellers(model: &Model, ask: &Ask<'_>, k: usize) -> Vec<u32> {
    fill(model, ask, Vec::new(), k)
}

/// The items that were in most baskets with the query item.
pub(super) fn co_purchase_count(model: &Model, ask: &Ask<'_>, k: usize) -> Vec<u32> {
    let mut partners: Vec<_> = ask.items.iter().flat_map(|&item| model.co_purchases().of(item)).collect();
    partners.sort_by_key(|partner| (Reverse(partner.baskets), partner.item));
    fill(model, ask, partners.into_iter().map(|partner| partner.item).collect(), k)
}

/// The items that were in most of the customer's baskets.
pub(super) fn most_frequent(model: &Model, ask: &Ask<'_>, k: usize) -> Vec<u32> {
    let mut habits: Vec<_> = ask.customer.into_iter().flat_map(|customer| model.histories().of(customer)).collect();
    habits.sort_by_key(|habit| (Reverse(habit.baskets), habit.item));
    fill(model, ask, habits.into_iter().map(|habit| habit.item).collect(), k)
}

/// The same, recent baskets counting more.
pub(super) fn most_frequent_decayed(model: &Model, ask: &Ask<'_>, k: usize) -> Vec<u32> {
    let mut habits: Vec<_> = ask.customer.into_iter().flat_map(|customer| model.histories().of(customer)).collect();
    habits.sort_by(|a, b| b.decayed.total_cmp(&a.decayed).then(a.item.cmp(&b.item)));
    fill(model, ask, habits.into_iter().map(|habit| habit.item).collect(), k)
}

fn fill(model: &Model, ask: &Ask<'_>, mut list: Vec<u32>, k: usize) -> Vec<u32> {
    list.retain(|item| !ask.items.contains(item));
    list.truncate(k);
    for item in 0..model.catalogue().bought() {
        if list.len() >= k {
            break;
        }
        if !list.contains(&item) && !ask.items.contains(&item) {
            list.push(item);
        }
    }
    list
}
