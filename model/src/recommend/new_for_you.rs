use super::bought_together::strongest;
use super::score::{best, tidy};
use super::{Limits, Recommended, Tier, may_show};
use crate::nearest::nearest;
use crate::{Item, Model, Query, Question};

/// Number of recent bestsellers among the candidates.
const BESTSELLERS: usize = 100;

/// Number of the customer's most bought items whose partners are candidates.
const SEEDS: usize = 20;

/// Maximum number of candidates among these partners, and among the items nearest to the customer's factors.
const PARTNERS: usize = 80;

/// What a customer has never bought and is likely to buy, most likely first, with at most `per_category` items of a
/// category. Recent bestsellers fill up a short list, and are all that an anonymous customer gets.
pub fn new_for_you(model: &Model, query: &Query<'_>, limits: &Limits<'_>, per_category: usize) -> Vec<Recommended> {
    let limits = &Limits { repeats: false, ..*limits };
    let candidates = new_for_you_candidates(model, query, limits);
    let ranking = best(model, Question::NewForYou, query, &candidates, limits, candidates.len());
    let recent = model.recent_bestsellers().iter().filter(|&&item| may_show(query, limits, item)).map(|&item| {
        let score = model.catalogue().recent_popularity(item);
        Recommended { item, score, tier: Tier::Bestsellers }
    });
    let category = |found: &Recommended| model.catalogue().category(found.item);
    let mut list: Vec<Recommended> = Vec::with_capacity(limits.limit);
    for found in ranking.chain(recent) {
        let is_same = |other: &&Recommended| category(&found).is_some() && category(other) == category(&found);
        if list.len() == limits.limit {
            break;
        }
        let is_shown = list.iter().any(|other| other.item == found.item);
        if !is_shown && list.iter().filter(is_same).count() < per_category {
            list.push(found);
        }
    }
    list
}

/// The candidates, strictly ascending: bestsellers, partners of what the customer buys most, and what similar customers
/// buy, without what they have bought.
pub fn new_for_you_candidates(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Item> {
    let Some(customer) = query.customer else { return Vec::new() };
    let limits = &Limits { repeats: false, ..*limits };
    let may_show = |item: Item| may_show(query, limits, item);
    let wanted = PARTNERS.max(limits.limit);
    let recent = model.recent_bestsellers().iter().copied();
    let mut candidates: Vec<Item> = recent.filter(|&item| may_show(item)).take(BESTSELLERS).collect();
    let mut seeds = customer.most(SEEDS, |_| true);
    seeds.sort_unstable();
    candidates.extend(strongest(model, &seeds, wanted, &may_show));
    let similar = nearest(model.item_factors(), customer.direction(), wanted, may_show);
    candidates.extend(similar.into_iter().map(|found| found.0));
    tidy(model, &candidates, |_| true)
}
