use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use trolley_model::recommend::{self, PreparedOffers};
use trolley_model::{Item, Model, NumberSet};

use super::offers::Offer;
use super::rules::Rulebook;

/// The pushed offers, with an index by item.
#[derive(Debug, Default)]
pub struct OfferIndex {
    offers: Vec<Offer>,
    /// The number of each item in the offers.
    numbers: HashMap<String, u32>,
    /// By item number: the positions of its offers.
    of_item: Vec<Vec<u32>>,
}

impl OfferIndex {
    /// Indexes the offers.
    pub fn new(mut offers: Vec<Offer>) -> Self {
        offers.iter_mut().for_each(|offer| offer.stores.sort_unstable());
        let mut book = Self { offers, ..Self::default() };
        for (at, offer) in (0u32..).zip(&book.offers) {
            for item in &offer.items {
                let next = book.of_item.len() as u32;
                let number = *book.numbers.entry(item.clone()).or_insert(next);
                if number == next {
                    book.of_item.push(Vec::new());
                }
                let offers = &mut book.of_item[number as usize];
                if offers.last() != Some(&at) {
                    offers.push(at);
                }
            }
        }
        book
    }

    /// The offers.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }
}

/// The availability of the offers: one bit for each item and one for each offer. A stock change touches only the bits
/// of its items and their offers.
#[derive(Clone, Debug, Default)]
pub(super) struct Availability {
    /// The items that are out of stock, by the book's item numbers.
    out_of_stock: NumberSet,
    /// The items that a rule blocks from all answers.
    blocked: NumberSet,
    /// The offers without an available item.
    closed: NumberSet,
}

impl Availability {
    pub(super) fn new(
        book: &OfferIndex,
        model: &Model,
        in_stock: impl Fn(&str) -> bool,
        rules: Option<&Rulebook>,
    ) -> Self {
        let set = || NumberSet::new(book.of_item.len());
        let closed = NumberSet::new(book.offers.len());
        let mut availability = Self { out_of_stock: set(), blocked: set(), closed };
        for (id, &number) in &book.numbers {
            availability.out_of_stock.set(number, !in_stock(id));
            let known = || model.catalogue().position(id);
            let blocked = rules.is_some_and(|rules| known().is_some_and(|item| rules.blocks_always(item).is_some()));
            availability.blocked.set(number, blocked);
        }
        for at in 0..book.offers.len() as u32 {
            availability.closed.set(at, availability.first(book, at as usize).is_none());
        }
        availability
    }

    /// Applies stock changes: items that are in stock now, or not. `None` if no offer has any of them.
    pub(super) fn with_stock(&self, book: &OfferIndex, changes: &[(&str, bool)]) -> Option<Self> {
        let changes = changes.iter().filter_map(|(id, in_stock)| Some((*book.numbers.get(*id)?, *in_stock)));
        let changes: Vec<(u32, bool)> = changes.collect();
        if changes.is_empty() {
            return None;
        }
        let mut changed = self.clone();
        changes.iter().for_each(|&(number, in_stock)| changed.out_of_stock.set(number, !in_stock));
        for &at in changes.iter().flat_map(|&(number, _)| &book.of_item[number as usize]) {
            changed.closed.set(at, changed.first(book, at as usize).is_none());
        }
        Some(changed)
    }

    /// Whether any item of an offer is available.
    pub(super) fn is_open(&self, at: usize) -> bool {
        !self.closed.contains(at as u32)
    }

    /// The position in an offer of its first available item, known to the model or not.
    pub(super) fn first(&self, book: &OfferIndex, at: usize) -> Option<usize> {
        let can_be_had = |number: &u32| !self.out_of_stock.contains(*number) && !self.blocked.contains(*number);
        book.offers[at].items.iter().position(|id| book.numbers.get(id).is_some_and(can_be_had))
    }
}

/// The offers that are active at a time, prepared for ranking.
#[derive(Debug)]
pub(super) struct ActiveOffers {
    /// The positions of these offers in the book.
    pub(super) offers: Vec<usize>,
    /// Their items that the model knows and no rule blocks.
    pub(super) items: Vec<Vec<Item>>,
    /// The same, prepared for the model.
    pub(super) ready: PreparedOffers,
    /// Since when these are the active offers: the last time before at which an offer began or ended, if any.
    from: Option<DateTime<Utc>>,
    /// Until when: the next time at which an offer begins or ends, if any.
    until: Option<DateTime<Utc>>,
}

/// The active offers, and the next ones.
#[derive(Debug, Default)]
pub(super) struct ActiveOffersCache {
    now: ArcSwapOption<ActiveOffers>,
    next: ArcSwapOption<ActiveOffers>,
}

/// How long in advance the next active offers are prepared.
const SOON: TimeDelta = TimeDelta::seconds(10);

impl ActiveOffersCache {
    /// The active offers at a time.
    pub(super) fn at(&self, now: DateTime<Utc>, make: impl FnOnce() -> ActiveOffers) -> Arc<ActiveOffers> {
        if let Some(active_offers) = self.now.load_full().filter(|active_offers| active_offers.holds_at(now)) {
            return active_offers;
        }
        let next = self.next.load_full().filter(|active_offers| active_offers.holds_at(now));
        let active_offers = next.unwrap_or_else(|| Arc::new(make()));
        self.now.store(Some(active_offers.clone()));
        active_offers
    }

    /// Prepares the active offers, and the next ones if they are needed soon.
    pub(super) fn prepare(&self, now: DateTime<Utc>, make: impl Fn(DateTime<Utc>) -> ActiveOffers) {
        let active_offers = self.at(now, || make(now));
        let Some(until) = active_offers.until.filter(|until| *until <= now + SOON) else { return };
        if !self.next.load().as_ref().is_some_and(|next| next.holds_at(until)) {
            self.next.store(Some(Arc::new(make(until))));
        }
    }
}

impl ActiveOffers {
    pub(super) fn new(book: &OfferIndex, model: &Model, rules: Option<&Rulebook>, now: DateTime<Utc>) -> Self {
        let offers = book.offers();
        let holding: Vec<usize> = (0..offers.len()).filter(|&at| offers[at].holds_at(now)).collect();
        let shown = |&item: &Item| rules.is_none_or(|rules| rules.blocks_always(item).is_none());
        let items = |at: &usize| offers[*at].known_items(model).into_iter().filter(shown).collect::<Vec<Item>>();
        let (items, numbers): (Vec<_>, Vec<_>) =
            holding.iter().map(|at| (items(at), offers[*at].named_numbers())).unzip();
        let items: Vec<Vec<Item>> = items;
        let listed = items.iter().zip(&numbers).map(|(items, numbers)| recommend::Offer { items, numbers });
        let ready = PreparedOffers::new(model, &listed.collect::<Vec<_>>());
        let changes = || offers.iter().flat_map(|offer| [offer.valid_from, offer.valid_to]).flatten();
        let (from, until) = (changes().filter(|&at| at <= now).max(), changes().filter(|&at| at > now).min());
        Self { offers: holding, items, ready, from, until }
    }

    /// Whether these are the active offers at a time.
    pub(super) fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}
