//! Examples of answers, with names, for people to look at.

use std::collections::BTreeMap;

use trolley_model::recommend::{self, Limits, Recommended, alternatives, bought_together};
use trolley_model::{Customer, Item, Model, Query, Question};

use crate::live::{Offer, ReasonText, label};

const ITEMS: usize = 10;
const CUSTOMERS: usize = 5;
const SIX: usize = 6;

/// An item with its answers, each with its first reason.
pub(super) struct ItemExample {
    pub(super) name: String,
    pub(super) together: Vec<(String, String)>,
    pub(super) instead: Vec<(String, String)>,
}

/// A customer with their best offers.
pub(super) struct CustomerExample {
    /// A description without the ID.
    pub(super) about: String,
    pub(super) usual: Vec<String>,
    pub(super) offers: Vec<(String, String)>,
}

/// Items of different categories, from the bestsellers to the tail.
pub(super) fn items(model: &Model) -> Vec<ItemExample> {
    let catalogue = model.catalogue();
    let learned =
        (0..catalogue.bought()).map(Item).filter(|&item| model.is_learned(item) && catalogue.name(item).is_some());
    let all: Vec<Item> = learned.collect();
    let mut chosen: Vec<Item> = Vec::new();
    for number in 0..ITEMS {
        // Evenly spaced in the logarithm of the rank: as many of the best 10 as of the next 90.
        let rank = (all.len() as f64).powf((number as f64 + 0.5) / ITEMS as f64) as usize;
        let new = |&item: &Item| chosen.iter().all(|&other| catalogue.category(other) != catalogue.category(item));
        chosen.extend(all.iter().skip(rank).copied().find(new));
    }
    let limits = Limits::best(SIX);
    let example = |item: Item| {
        let items = [item];
        let query = Query { items: &items, ..Query::default() };
        let told = |question, found: Vec<Recommended>| -> Vec<(String, String)> {
            let reason = |found: &Recommended| told(model, question, &query, found);
            found.iter().map(|found| (label(model, found.item), reason(found))).collect()
        };
        ItemExample {
            name: format!("{} · in {} baskets", label(model, item), catalogue.baskets(item)),
            together: told(Question::BoughtTogether, bought_together(model, &query, &limits)),
            instead: told(Question::Alternatives, alternatives(model, &query, &limits)),
        }
    };
    chosen.into_iter().map(example).collect()
}

/// Customers with many and with few baskets, and their best offers.
pub(super) fn customers(model: &Model, offers: &[Offer]) -> Vec<CustomerExample> {
    let known: Vec<Vec<Item>> = offers.iter().map(|offer| offer.known_items(model)).collect();
    let numbers: Vec<Vec<(&str, f32)>> = offers.iter().map(Offer::named_numbers).collect();
    let offers: Vec<recommend::Offer<'_>> =
        known.iter().zip(&numbers).map(|(items, numbers)| recommend::Offer { items, numbers }).collect();
    let ready = recommend::PreparedOffers::new(model, &offers);
    let mut by_baskets: Vec<Customer> = model.histories().numbers().collect();
    by_baskets.sort_by_key(|&customer| (std::cmp::Reverse(model.profile(customer).baskets()), customer));
    let at = |share: usize| by_baskets.get(share * by_baskets.len() / CUSTOMERS + by_baskets.len() / 20).copied();
    let example = |customer: Customer| {
        let mut usual: Vec<_> = model.profile(customer).stats().collect();
        usual.sort_by_key(|stats| (std::cmp::Reverse(stats.baskets), stats.item));
        let query = Query { items: &[], customer: Some(model.profile(customer)), ..Query::default() };
        let offer = |ranked: recommend::RankedOffer| {
            let item = ranked.item?;
            let found = Recommended { item, score: ranked.score, tier: ranked.tier };
            Some((label(model, item), told(model, Question::Offers, &query, &found)))
        };
        let found = recommend::offers(model, Some(model.profile(customer)), &ready, SIX);
        CustomerExample {
            about: format!("{} baskets of {} different items", model.profile(customer).baskets(), usual.len()),
            usual: usual
                .iter()
                .take(5)
                .map(|stats| format!("{} ({}×)", label(model, stats.item), stats.baskets))
                .collect(),
            offers: found.into_iter().filter_map(offer).collect(),
        }
    };
    (0..CUSTOMERS).filter_map(at).map(example).collect()
}

/// The offers of the examples or, if there are none, bestsellers.
pub(super) fn offers_or_bestsellers(model: &Model, offers: &[Offer]) -> Vec<Offer> {
    if !offers.is_empty() {
        return offers.to_vec();
    }
    let one = |item: Item| {
        let id = model.catalogue().id(item).to_owned();
        Offer {
            items: vec![id.clone()],
            id,
            valid_from: None,
            valid_to: None,
            stores: Vec::new(),
            numbers: BTreeMap::new(),
        }
    };
    (0..model.catalogue().bought().min(1000)).map(Item).map(one).collect()
}

/// The text of the first reason.
fn told(model: &Model, question: Question, query: &Query<'_>, found: &Recommended) -> String {
    let reasons = recommend::reasons(model, question, query, found, &|_| false);
    reasons.first().map(|&reason| ReasonText::new(model, reason).text).unwrap_or_default()
}
