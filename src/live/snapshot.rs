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
    /// What of each offer can be had, in the order of the offers.
    open: Arc<Vec<Open>>,
    out_of_stock: Arc<ItemSet>,
}

/// What can be had of an offer.
#[derive(Clone, Debug)]
struct Open {
    /// The numbers of its items that are in stock and that the model knows.
    items: Vec<u32>,
    /// The first of its items that is in stock, known to the model or not; `None` closes the offer.
    first: Option<usize>,
}

impl Open {
    fn of(offers: &[Offer], model: &Model, stock: &Stock) -> Arc<Vec<Self>> {
        let open = |offer: &Offer| {
            let in_stock = || offer.items.iter().filter(|id| stock.is_in_stock(id));
            let items = in_stock().filter_map(|id| model.catalogue().items().position(id)).collect();
            Self { items, first: offer.items.iter().position(|id| stock.is_in_stock(id)) }
        };
        Arc::new(offers.iter().map(open).collect())
    }
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
        let open = Open::of(&offers, &opened.model, stock);
        Self { manifest: Arc::new(opened.manifest), model: Arc::new(opened.model), offers, open, out_of_stock }
    }

    pub(super) fn with_offers(&self, offers: Arc<Vec<Offer>>, stock: &Stock) -> Self {
        let open = Open::of(&offers, &self.model, stock);
        Self { offers, open, ..self.clone() }
    }

    /// The stock as it is after `changes`.
    pub(super) fn with_stock(&self, stock: &Stock, changes: &[(&str, bool)]) -> Self {
        let mut out_of_stock = ItemSet::clone(&self.out_of_stock);
        for (id, in_stock) in changes {
            if let Some(item) = self.model.catalogue().items().position(id) {
                out_of_stock.set(item, !in_stock);
            }
        }
        let open = Open::of(&self.offers, &self.model, stock);
        Self { out_of_stock: Arc::new(out_of_stock), open, ..self.clone() }
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
        let open: Vec<usize> = (0..self.offers.len())
            .filter(|&offer| self.open[offer].first.is_some() && self.offers[offer].holds_at(now))
            .collect();
        let numbers: Vec<Vec<(&str, f32)>> = open.iter().map(|&offer| self.offers[offer].named_numbers()).collect();
        let lists: Vec<recommend::Offer<'_>> = open
            .iter()
            .zip(&numbers)
            .map(|(&offer, numbers)| recommend::Offer { items: &self.open[offer].items, numbers })
            .collect();
        let ask = Ask { items: &[], customer };
        let ranked = recommend::offers(&self.model, customer, &lists, limit).into_iter().map(|ranked| {
            let at = open[ranked.offer];
            let offer = &self.offers[at];
            let items = self.model.catalogue().items();
            let item = match ranked.item {
                Some(item) => items.get(item).to_owned(),
                None => offer.items[self.open[at].first.unwrap_or(0)].clone(),
            };
            let reasons = explain.then(|| {
                ranked.item.map_or_else(Vec::new, |item| {
                    let found = Recommended { item, score: ranked.score, tier: ranked.tier };
                    self.why_offer(&ask, &found, &lists[ranked.offer])
                })
            });
            OfferAnswer { id: offer.id.clone(), item, score: ranked.score, tier: ranked.tier, reasons }
        });
        ranked.collect()
    }

    /// Which customers is an offer for? `None` if there is no such offer. Neither today's stock nor the offer's period
    /// matters: a newsletter is written for next week.
    pub fn audience(&self, offer: &str, limit: usize, explain: bool) -> Option<Vec<OfferAnswer>> {
        let offer = self.offers.iter().find(|known| known.id == offer)?;
        let (items, numbers) = (offer.known_items(&self.model), offer.named_numbers());
        let wanted = recommend::Offer { items: &items, numbers: &numbers };
        let audience = recommend::audience(&self.model, wanted, limit).into_iter().map(|found| {
            let ask = Ask { items: &[], customer: Some(found.customer) };
            let recommended = Recommended { item: found.item, score: found.score, tier: Tier::Model };
            OfferAnswer {
                id: self.model.histories().customers().get(found.customer).to_owned(),
                item: self.model.catalogue().items().get(found.item).to_owned(),
                score: found.score,
                tier: Tier::Model,
                reasons: explain.then(|| self.why_offer(&ask, &recommended, &wanted)),
            }
        });
        Some(audience.collect())
    }

    fn why(&self, question: Question, ask: &Ask<'_>, found: &Recommended) -> Vec<Why> {
        let reasons = recommend::explain(&self.model, question, ask, found);
        reasons.into_iter().map(|reason| Why::new(&self.model, reason)).collect()
    }

    fn why_offer(&self, ask: &Ask<'_>, found: &Recommended, offer: &recommend::Offer<'_>) -> Vec<Why> {
        let reasons = recommend::explain_offer(&self.model, ask, offer, found);
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
