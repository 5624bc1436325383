use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use trolley_model::artefact::{Manifest, Opened};
use trolley_model::recommend::{self, Limits, Question, Recommended, Tier};
use trolley_model::{Ask, Model, NumberSet};

use super::board::{Board, Open};
use super::erased::Erased;
use super::market::Pushed;
use super::offers::Offer;
use super::reasons::Why;
use super::rules::Rulebook;
use super::stock::Stock;

/// All that one answer is made from: a model with its manifest, the offers, the rules and the stock.
#[derive(Clone, Debug)]
pub struct Snapshot {
    manifest: Arc<Manifest>,
    model: Arc<Model>,
    offers: Arc<Vec<Offer>>,
    /// What of each offer can be had, in the order of the offers.
    open: Arc<Vec<Open>>,
    /// What was on offer when this was last asked.
    board: Arc<ArcSwapOption<Board>>,
    rules: Option<Arc<Rulebook>>,
    out_of_stock: Arc<NumberSet>,
    /// The customers who are not to be known any more.
    erased: Arc<NumberSet>,
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
pub struct Answer<'a> {
    /// Its ID.
    pub id: &'a str,
    /// Comparable within one answer and tier only.
    pub score: f32,
    /// Who answered.
    pub tier: Tier,
    /// Why, if that was asked.
    pub reasons: Option<Vec<Why>>,
}

/// An offer for a customer, or a customer for an offer.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferAnswer<'a> {
    /// The ID of the offer (or the customer).
    pub id: &'a str,
    /// The ID of the item that makes it relevant.
    pub item: &'a str,
    /// Comparable within one answer and tier only.
    pub score: f32,
    /// Who answered.
    pub tier: Tier,
    /// Why, if that was asked.
    pub reasons: Option<Vec<Why>>,
}

impl Snapshot {
    /// A model with all that was pushed.
    pub fn new(opened: Opened, pushed: &Pushed) -> Self {
        let rules = Rulebook::new(&pushed.rules, &opened.model).map(Arc::new);
        Self {
            erased: Arc::new(pushed.erased.numbers(&opened.model)),
            out_of_stock: Arc::new(pushed.stock.out_of_stock(&opened.model)),
            open: Arc::new(Open::of(&pushed.offers, &opened.model, &pushed.stock, rules.as_deref())),
            board: Arc::default(),
            manifest: Arc::new(opened.manifest),
            model: Arc::new(opened.model),
            offers: pushed.offers.clone(),
            rules,
        }
    }

    /// The offers and rules as they are now.
    pub(super) fn with(&self, pushed: &Pushed) -> Self {
        let rules = Rulebook::new(&pushed.rules, &self.model).map(Arc::new);
        let open = Arc::new(Open::of(&pushed.offers, &self.model, &pushed.stock, rules.as_deref()));
        Self { offers: pushed.offers.clone(), open, board: Arc::default(), rules, ..self.clone() }
    }

    /// The stock as it is after `changes`.
    pub(super) fn with_stock(&self, stock: &Stock, changes: &[(&str, bool)]) -> Self {
        let mut out_of_stock = NumberSet::clone(&self.out_of_stock);
        for (id, in_stock) in changes {
            if let Some(item) = self.model.catalogue().items().position(id) {
                out_of_stock.set(item, !in_stock);
            }
        }
        let changed = Self { out_of_stock: Arc::new(out_of_stock), ..self.clone() };
        let ids: HashSet<&str> = changes.iter().map(|(id, _)| *id).collect();
        if !self.offers.iter().flat_map(|offer| &offer.items).any(|item| ids.contains(item.as_str())) {
            return changed;
        }
        let open = Arc::new(Open::of(&self.offers, &self.model, stock, self.rules.as_deref()));
        Self { open, board: Arc::default(), ..changed }
    }

    /// Without the customers who have been erased.
    pub(super) fn without(&self, erased: &Erased) -> Self {
        Self { erased: Arc::new(erased.numbers(&self.model)), ..self.clone() }
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
    pub fn bought_together(&self, query: &Query<'_>) -> Vec<Answer<'_>> {
        let items = self.numbers(query.items);
        self.answer(query, &items, Question::BoughtTogether, |ask, limits| {
            recommend::bought_together(&self.model, ask, limits)
        })
    }

    /// The first item of the query is out of stock: what instead?
    pub fn alternatives(&self, query: &Query<'_>) -> Vec<Answer<'_>> {
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
    ) -> Vec<Answer<'_>> {
        self.within_limits(query, items, |ask, limits| {
            let found = recommend(ask, limits).into_iter().map(|found| Answer {
                id: self.model.catalogue().items().get(found.item),
                score: found.score,
                tier: found.tier,
                reasons: query.explain.then(|| self.why(question, ask, &found)),
            });
            found.collect()
        })
    }

    /// What is asked, in the model's numbers, and what may be answered: by the stock, the rules and the query.
    pub(super) fn within_limits<T>(
        &self,
        query: &Query<'_>,
        items: &[u32],
        run: impl FnOnce(&Ask<'_>, &Limits<'_>) -> T,
    ) -> T {
        let ask = Ask { items, customer: self.customer(query.customer) };
        let exclude = self.numbers(query.exclude);
        let available = |item: u32| !self.out_of_stock.contains(item) && !exclude.contains(&item);
        let limits = Limits { allowed: &available, repeats: query.repeats, ..Limits::best(query.limit) };
        let Some(rules) = &self.rules else { return run(&ask, &limits) };
        let pinned: Vec<u32> = rules.pinned(items).into_iter().map(|(item, _)| item).collect();
        let blocked = rules.blocked(&self.model, items);
        let allowed = |item: u32| available(item) && blocked.by(&self.model, item).is_none();
        let boost = |item: u32| rules.boost(&self.model, item);
        run(&ask, &Limits { allowed: &allowed, pinned: &pinned, boost: Some(&boost), ..limits })
    }

    /// Which of the offers that hold now are for this customer?
    pub fn offers_for(&self, customer: &str, now: DateTime<Utc>, limit: usize, explain: bool) -> Vec<OfferAnswer<'_>> {
        let customer = self.customer(Some(customer));
        let (board, items) = (self.board(now), self.model.catalogue().items());
        let ask = Ask { items: &[], customer };
        let ranked = recommend::offers(&self.model, customer, &board.ready, limit).into_iter().map(|ranked| {
            let at = board.offers[ranked.offer];
            let offer = &self.offers[at];
            let item = match ranked.item {
                Some(item) => items.get(item),
                None => &offer.items[self.open[at].first.unwrap_or(0)],
            };
            let reasons = explain.then(|| {
                ranked.item.map_or_else(Vec::new, |item| {
                    let found = Recommended { item, score: ranked.score, tier: ranked.tier };
                    let numbers = offer.named_numbers();
                    let offer = recommend::Offer { items: &self.open[at].items, numbers: &numbers };
                    self.why_offer(&ask, &found, &offer)
                })
            });
            OfferAnswer { id: &offer.id, item, score: ranked.score, tier: ranked.tier, reasons }
        });
        ranked.collect()
    }

    /// What is on offer: as it was when this was last asked, unless an offer has begun or ended since.
    fn board(&self, now: DateTime<Utc>) -> Arc<Board> {
        if let Some(board) = self.board.load_full().filter(|board| board.holds_at(now)) {
            return board;
        }
        let board = Arc::new(Board::new(&self.offers, &self.open, &self.model, now));
        self.board.store(Some(board.clone()));
        board
    }

    /// Which customers is an offer for? `None` if there is no such offer. Neither today's stock nor the offer's period
    /// matters: a newsletter is written for next week.
    pub fn audience(&self, offer: &str, limit: usize, explain: bool) -> Option<Vec<OfferAnswer<'_>>> {
        let offer = self.offers.iter().find(|known| known.id == offer)?;
        let (mut items, numbers) = (offer.known_items(&self.model), offer.named_numbers());
        items.retain(|&item| self.rules.as_ref().is_none_or(|rules| rules.blocks_always(item).is_none()));
        let wanted = recommend::Offer { items: &items, numbers: &numbers };
        let audience = recommend::audience(&self.model, wanted, limit + self.erased.len()).into_iter();
        let known = audience.filter(|found| !self.erased.contains(found.customer)).take(limit);
        let audience = known.map(|found| {
            let ask = Ask { items: &[], customer: Some(found.customer) };
            let recommended = Recommended { item: found.item, score: found.score, tier: Tier::Model };
            OfferAnswer {
                id: self.model.histories().customers().get(found.customer),
                item: self.model.catalogue().items().get(found.item),
                score: found.score,
                tier: Tier::Model,
                reasons: explain.then(|| self.why_offer(&ask, &recommended, &wanted)),
            }
        });
        Some(audience.collect())
    }

    pub(super) fn why(&self, question: Question, ask: &Ask<'_>, found: &Recommended) -> Vec<Why> {
        let reasons = recommend::explain(&self.model, question, ask, found);
        let mut why: Vec<Why> = reasons.into_iter().map(|reason| Why::new(&self.model, reason)).collect();
        match (&self.rules, found.tier) {
            (Some(rules), Tier::Model) => {
                why.extend(rules.boosts(&self.model, found.item).map(|(by, rule)| Why::rule("boost", by, rule)));
                why.sort_by(|a, b| b.reason.share.abs().total_cmp(&a.reason.share.abs()));
            }
            (Some(rules), Tier::Pinned) => {
                let pinned = rules.pinned(ask.items).into_iter().find(|(item, _)| *item == found.item);
                why = pinned.into_iter().map(|(_, rule)| Why::rule("pinned", 0.0, rule)).collect();
            }
            _ => {}
        }
        why
    }

    /// The rule that blocks an item from the answer to a query.
    pub(super) fn blocked_by(&self, query: &[u32], item: u32) -> Option<&str> {
        self.rules.as_ref()?.blocked(&self.model, query).by(&self.model, item)
    }

    pub(super) fn is_out_of_stock(&self, item: u32) -> bool {
        self.out_of_stock.contains(item)
    }

    fn why_offer(&self, ask: &Ask<'_>, found: &Recommended, offer: &recommend::Offer<'_>) -> Vec<Why> {
        let reasons = recommend::explain_offer(&self.model, ask, offer, found);
        reasons.into_iter().map(|reason| Why::new(&self.model, reason)).collect()
    }

    /// The numbers of those of the items that the model knows.
    pub(super) fn numbers(&self, ids: &[String]) -> Vec<u32> {
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
        let customer = self.model.histories().customers().position(id?)?;
        (!self.erased.contains(customer)).then_some(customer)
    }
}
