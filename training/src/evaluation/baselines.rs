//! Baselines: standard methods, evaluated through the same code path as the model.
//!
//! Ties go to the better seller, and short lists are filled up with bestsellers.

use std::collections::BTreeMap;

use trolley_model::kernel::dot;
use trolley_model::{Item, Model, Top, Vectors};

use super::case::Case;

/// Weight of the log of the recent baskets in [`logs`].
const POPULARITY: f32 = 0.15;

/// Number of bestsellers among the candidates of [`logs`], in addition to partners and the customer's own items.
const BESTSELLERS: u32 = 200;

/// The `k` allowed items with the highest scores; ties go to the better seller, and bestsellers fill up a short list.
pub(super) fn best(model: &Model, case: &Case, k: usize, scores: impl Iterator<Item = (Item, f32)>) -> Vec<Item> {
    let mut top = Top::new(k);
    for (item, score) in scores {
        if top.would_keep(score, item.0) && case.may_show(item) {
            top.push(score, item.0);
        }
    }
    let mut list: Vec<Item> = top.into_sorted().into_iter().map(|(item, _)| Item(item)).collect();
    for item in (0..model.catalogue().bought()).map(Item) {
        if list.len() >= k {
            break;
        }
        if case.may_show(item) && !list.contains(&item) {
            list.push(item);
        }
    }
    list
}

pub(super) fn bestsellers(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    best(model, case, k, std::iter::empty())
}

pub(super) fn recent_bestsellers(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let recent = model.catalogue().all_recent_baskets();
    best(model, case, k, (0..model.catalogue().bought()).map(|item| (Item(item), recent[item as usize] as f32)))
}

/// Ranks the partners of the query items by a score of three counts: baskets with both, with the query item, and with
/// the partner.
fn partners(model: &Model, case: &Case, k: usize, score: impl Fn(f32, f32, f32) -> f32) -> Vec<Item> {
    let catalogue = model.catalogue();
    let pairs = case.items.iter().flat_map(|&query| model.co_purchases().of(query).map(move |pair| (query, pair)));
    let scored = pairs.map(|(query, pair)| {
        let (query, partner) = (catalogue.baskets(query) as f32, catalogue.baskets(pair.item) as f32);
        (pair.item, score(pair.baskets as f32, query, partner))
    });
    best(model, case, k, scored)
}

/// Ranks items by the number of baskets with the query item.
pub(super) fn co_purchase_count(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    partners(model, case, k, |both, _, _| both)
}

/// The same, with a weight of 1/√(n-1) for a basket of n items.
pub(super) fn co_purchase_weight(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let pairs = case.items.iter().flat_map(|&query| model.co_purchases().of(query));
    best(model, case, k, pairs.map(|pair| (pair.item, pair.weight)))
}

/// The same, summed over a cart.
pub(super) fn co_purchases_of_cart(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let mut sums: BTreeMap<Item, f32> = BTreeMap::new();
    for pair in case.items.iter().flat_map(|&query| model.co_purchases().of(query)) {
        *sums.entry(pair.item).or_default() += pair.weight;
    }
    best(model, case, k, sums.into_iter())
}

/// The sum of the log of the co-purchases, .15 log of the recent baskets, and the log of the customer's own purchases.
pub(super) fn logs(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let mut scores: BTreeMap<Item, f32> =
        (0..BESTSELLERS.min(model.catalogue().bought())).map(|item| (Item(item), 0.0)).collect();
    let log = |baskets: f32| (1.0 + baskets).ln();
    for pair in case.items.iter().flat_map(|&query| model.co_purchases().of(query)) {
        *scores.entry(pair.item).or_default() += log(pair.baskets as f32);
    }
    for stats in case.customer.into_iter().flat_map(|customer| model.profile(customer).stats()) {
        *scores.entry(stats.item).or_default() += log(f32::from(stats.baskets));
    }
    let recent = model.catalogue().all_recent_baskets();
    let popularity = |item: Item| POPULARITY * log(recent[item.index()] as f32);
    best(model, case, k, scores.into_iter().map(|(item, score)| (item, score + popularity(item))))
}

/// Lift: observed over expected co-purchases, with `prior` baskets added to the expected ones.
pub(super) fn lift(model: &Model, case: &Case, k: usize, prior: f32) -> Vec<Item> {
    let all = model.catalogue().total_baskets() as f32;
    partners(model, case, k, |both, query, partner| both / (query * partner / all + prior))
}

/// Cosine of the two items' columns in the basket × item matrix (Sarwar et al. 2001).
pub(super) fn cosine(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    partners(model, case, k, |both, query, partner| both / (query * partner).sqrt())
}

/// Ranks items by the number of the customer's baskets that contain them.
pub(super) fn most_frequent(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let habits = case.customer.into_iter().flat_map(|customer| model.profile(customer).stats());
    best(model, case, k, habits.map(|stats| (stats.item, f32::from(stats.baskets))))
}

/// The same over the customer's last baskets, with weights that decay with a half-life in days.
pub(super) fn most_frequent_decayed(model: &Model, case: &Case, k: usize, half_life: f32) -> Vec<Item> {
    let Some(customer) = case.customer else { return best(model, case, k, std::iter::empty()) };
    let items = model.profile(customer).items();
    let mut sums = vec![0.0f32; items.len()];
    for basket in model.profile(customer).last_baskets() {
        let counts = (-basket.age / half_life).exp2();
        basket.positions.iter().for_each(|&position| sums[position.index()] += counts);
    }
    best(model, case, k, items.iter().copied().zip(sums))
}

/// Inner product of the iALS factors of customer and item.
pub(super) fn ials(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let customers = model.customer_factors();
    nearest(model, case, k, model.item_factors(), case.customer.map(|customer| (customers.unit(customer.0), true)))
}

/// Inner product of the query item's input vector and the output vectors.
pub(super) fn item2vec(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    nearest(model, case, k, model.output(), query(model, case).map(|query| (query, true)))
}

/// Cosine of input vectors, as in item2vec (Barkan and Koenigstein 2016) and `gensim`'s `most_similar`.
pub(super) fn item2vec_cosine(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    nearest(model, case, k, model.input(), query(model, case).map(|query| (query, false)))
}

fn query<'m>(model: &'m Model, case: &Case) -> Option<&'m [f32]> {
    case.items.first().filter(|&&item| model.is_learned(item)).map(|&item| model.input().unit(item.0))
}

/// Ranks `rows` by the inner product with a query vector. Its flag is true for rows at their length, false for unit
/// rows.
fn nearest(model: &Model, case: &Case, k: usize, rows: &Vectors, query: Option<(&[f32], bool)>) -> Vec<Item> {
    let scored = query.into_iter().flat_map(|(query, with_length)| {
        (0..rows.len() as u32).map(move |row| {
            let length = if with_length { rows.norm(row) } else { 1.0 };
            (Item(row), length * dot(query, rows.unit(row)))
        })
    });
    best(model, case, k, scored)
}

/// Bestsellers of the query item's category.
pub(super) fn bestsellers_of_the_kind(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let catalogue = model.catalogue();
    let category = case.items.first().and_then(|&item| catalogue.category(item));
    let members = category.map_or(&[][..], |category| catalogue.members(category));
    best(model, case, k, members.iter().map(|&item| (item, catalogue.baskets(item) as f32)))
}

/// The customer's most frequent items of the query item's category, then its bestsellers.
pub(super) fn most_frequent_of_the_kind(model: &Model, case: &Case, k: usize) -> Vec<Item> {
    let catalogue = model.catalogue();
    let category = case.items.first().and_then(|&item| catalogue.category(item));
    let members = category.map_or(&[][..], |category| catalogue.members(category));
    let scored = members.iter().map(|&item| {
        let stats = case.customer.and_then(|customer| model.profile(customer).stats_of(item));
        // One own purchase outweighs any popularity, which is at most 1.
        let own = stats.map_or(0.0, |stats| f32::from(stats.baskets));
        (item, own + catalogue.popularity(item))
    });
    best(model, case, k, scored)
}
