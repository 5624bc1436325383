use std::sync::Arc;

use chrono::{DateTime, Utc};
use trolley_model::artefact::{Manifest, Opened};
use trolley_model::recommend::{self, Limits, Question, Recommended, Tier};
use trolley_model::{Ask, Model};

use super::offers::Offer;
use super::reasons::Why;
use super::stock::{ItemSet, Stock};

/// All that one answer is made from: a model with its manifest, the offers and the stock.
#[derive(Clone, Debug)]
pub struct Snapshot {
    manifest: Arc<Manifest>,
    model: Arc<Model>,
    offers: Arc<Vec<Offer>>,
    /// The items of each offer that the model knows.
    offered: Arc<Vec<Vec<u32>>>,
    out_of_stock: Arc<ItemSet>,
}

/// What is asked about items.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The items looked at: one, or a cart.
    pub items: &'a [String],
    /// Who looks at them.
    pub customer: Option<&'a str>,
    /// Items that must not be shown.
    pub exclude: &'a [String],
    /// Whether items that the customer has bought before may be shown.
    pub repeats: bool,
    /// Number of items wanted.
    pub limit: usize,
    /// Whether reasons are wanted.
    pub explain: bool,
}

/// A recommended item.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its ID.
    pub id: String,
    /// Comparable within one answer and tier only.
    pub score: f32,
    /// Who answered.
    pub tier: Tier,
    /// Why, if that was asked.
    pub reasons: Option<Vec<Why>>,
}

/// An offer for a customer, or a customer for an offer.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferAnswer {
    /// The ID of the offer (or the customer).
    pub id: String,
    /// The ID of the item that makes it relevant.
    pub item: String,
    /// Comparable within one answer and tier only.
    pub score: f32,
    /// Who answered.
    pub tier: Tier,
    /// Why, if that was asked.
    pub reasons: Option<Vec<Why>>,
}

impl Snapshot {
    /// A model with the offers and the stock that are known.
    pub fn new(opened: Opened, offers: Arc<Vec<Offer>>, stock: &Stock) -> Self {
        let out_of_stock = Arc::new(stock.out_of_stock(&opened.model));
        let offered = Arc::new(offers.iter().map(|offer| offer.known_items(&opened.model)).collect());
        Self { manifest: Arc::new(opened.manifest), model: Arc::new(opened.model), offers, offered, out_of_stock }
    }

    pub(super) fn with_offers(&self, offers: Arc<Vec<Offer>>) -> Self {
        let offered = Arc::new(offers.iter().map(|offer| offer.known_items(&self.model)).collect());
        Self { offers, offered, ..self.clone() }
    }

    pub(super) fn with_stock(&self, changes: &[(&str, bool)]) -> Self {
        let mut out_of_stock = ItemSet::clone(&self.out_of_stock);
        for (id, in_stock) in changes {
            if let Some(item) = self.model.catalogue().items().position(id) {
                out_of_stock.set(item, !in_stock);
            }
        }
        Self { out_of_stock: Arc::new(out_of_stock), ..self.clone() }
    }

    /// What the model's manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The offers.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Number of the model's items that are out of stock.
    pub fn out_of_stock(&self) -> usize {
        self.out_of_stock.len()
    }

    /// What else goes into this basket?
    pub fn bought_together(&self, query: &Query<'_>) -> Vec<Answer> {
        let items = self.numbers(query.items);
        self.answer(query, &items, Question::BoughtTogether, |ask, limits| {
            recommend::bought_together(&self.model, ask, limits)
        })
    }

    /// The first item of the query is out of stock: what instead?
    pub fn alternatives(&self, query: &Query<'_>) -> Vec<Answer> {
        let items = self.numbers(query.items);
        self.answer(query, &items, Question::Alternatives, |ask, limits| match ask.items {
            [item, ..] => recommend::alternatives(&self.model, *item, ask.customer, limits),
            // An item that the model does not know: what the fallback tiers have.
            [] => recommend::bought_together(&self.model, ask, limits),
        })
    }

    fn answer(
        &self,
        query: &Query<'_>,
        items: &[u32],
        question: Question,
        recommend: impl FnOnce(&Ask<'_>, &Limits<'_>) -> Vec<Recommended>,
    ) -> Vec<Answer> {
        let exclude = self.numbers(query.exclude);
        let allowed = |item: u32| !self.out_of_stock.contains(item) && !exclude.contains(&item);
        let limits = Limits { limit: query.limit, allowed: &allowed, repeats: query.repeats };
        let ask = Ask { items, customer: self.customer(query.customer) };
        let found = recommend(&ask, &limits).into_iter().map(|found| Answer {
            id: self.model.catalogue().items().get(found.item).to_owned(),
            score: found.score,
            tier: found.tier,
            reasons: query.explain.then(|| self.why(question, &ask, &found)),
        });
        found.collect()
    }

    /// Which of the offers that hold now are for this customer?
    pub fn offers_for(&self, customer: &str, now: DateTime<Utc>, limit: usize, explain: bool) -> Vec<OfferAnswer> {
        let customer = self.customer(Some(customer));
        // An offer is open while one of its items is in stock; of an item that the model does not know, nothing is
        // known about the stock that could be acted upon.
        let open: Vec<(usize, Vec<u32>)> = (0..self.offers.len())
            .filter(|&offer| self.offers[offer].holds_at(now))
            .map(|offer| (offer, self.in_stock(offer)))
            .filter(|(offer, in_stock)| !in_stock.is_empty() || self.offered[*offer].is_empty())
            .collect();
        let lists: Vec<&[u32]> = open.iter().map(|(_, items)| items.as_slice()).collect();
        let ask = Ask { items: &[], customer };
        let ranked = recommend::offers(&self.model, customer, &lists, limit).into_iter().map(|ranked| {
            let offer = &self.offers[open[ranked.offer].0];
            let items = self.model.catalogue().items();
            let item = ranked.item.map_or_else(|| offer.items[0].clone(), |item| items.get(item).to_owned());
            let reasons = explain.then(|| {
                ranked.item.map_or_else(Vec::new, |item| {
                    let found = Recommended { item, score: ranked.score, tier: ranked.tier };
                    self.why(Question::Offers, &ask, &found)
                })
            });
            OfferAnswer { id: offer.id.clone(), item, score: ranked.score, tier: ranked.tier, reasons }
        });
        ranked.collect()
    }

    /// Which customers is an offer for? `None` if there is no such offer. Neither today's stock nor the offer's period
    /// matters: a newsletter is written for next week.
    pub fn audience(&self, offer: &str, limit: usize, explain: bool) -> Option<Vec<OfferAnswer>> {
        let offer = self.offers.iter().position(|known| known.id == offer)?;
        let audience = recommend::audience(&self.model, &self.offered[offer], limit).into_iter().map(|found| {
            let ask = Ask { items: &[], customer: Some(found.customer) };
            let recommended = Recommended { item: found.item, score: found.score, tier: Tier::Model };
            OfferAnswer {
                id: self.model.histories().customers().get(found.customer).to_owned(),
                item: self.model.catalogue().items().get(found.item).to_owned(),
                score: found.score,
                tier: Tier::Model,
                reasons: explain.then(|| self.why(Question::Offers, &ask, &recommended)),
            }
        });
        Some(audience.collect())
    }

    fn in_stock(&self, offer: usize) -> Vec<u32> {
        self.offered[offer].iter().copied().filter(|&item| !self.out_of_stock.contains(item)).collect()
    }

    fn why(&self, question: Question, ask: &Ask<'_>, found: &Recommended) -> Vec<Why> {
        let reasons = recommend::explain(&self.model, question, ask, found);
        reasons.into_iter().map(|reason| Why::new(&self.model, reason)).collect()
    }

    /// The numbers of those of the items that the model knows.
    fn numbers(&self, ids: &[String]) -> Vec<u32> {
        let items = self.model.catalogue().items();
        let mut numbers: Vec<u32> = Vec::with_capacity(ids.len());
        for item in ids.iter().filter_map(|id| items.position(id)) {
            if !numbers.contains(&item) {
                numbers.push(item);
            }
        }
        numbers
    }

    fn customer(&self, id: Option<&str>) -> Option<u32> {
        self.model.histories().customers().position(id?)
    }
}
