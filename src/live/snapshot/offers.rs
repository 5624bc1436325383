//! Answers about offers: the active ones for a customer, and the audience of one.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use trolley_model::recommend::{self, PROMOTION, Reason, Recommended, Tier};
use trolley_model::{Customer, Item, NumberSet, Profile, Query, Question};

use super::Snapshot;
use crate::live::active_offers::ActiveOffers;
use crate::live::query::{OfferAnswer, OfferQuery};
use crate::live::reasons::{Explain, ReasonText, Why};
use crate::live::store_stock::StoreView;

impl Snapshot {
    /// Ranks the active offers for a customer, and counts those that the filter removed.
    pub fn offers_for(&self, query: &OfferQuery<'_>, now: DateTime<Utc>) -> (Vec<OfferAnswer<'_>>, usize) {
        let OfferQuery { limit, explain, filter, exclude, .. } = *query;
        let (place, shopper) = (self.place(query.store), self.shopper(Some(query.customer), query.at));
        let customer = shopper.as_ref().map(|shopper| shopper.profile(&self.model, self.end_at(query.at)));
        let (active_offers, catalogue) = (self.active_offers(now), self.model.catalogue());
        let model_query = Query { items: &[], customer, ..Query::default() };
        let known = (!filter.is_nothing()).then(|| filter.known(self.model.catalogue()));
        let dismissed = self.dismissed(Some(query.customer));
        let passes = |item: Item| known.as_ref().is_none_or(|known| known.passes(item)) && !dismissed.contains(&item);
        // The categories and prices of items that the model does not know are not known, so a filter removes an offer
        // of such items alone.
        let some_item_passes = |offer: usize| {
            let all = &active_offers.items[offer];
            (known.is_none() && !all.iter().any(|item| dismissed.contains(item)))
                || all.iter().any(|&item| passes(item) && place.has(item))
        };
        let is_excluded = |at: usize| exclude.iter().any(|id| *id == self.offers()[at].id);
        let could = |offer: usize| {
            self.is_open(&active_offers, offer, query.store, &place) && !is_excluded(active_offers.offers[offer])
        };
        let open = |offer: usize| could(offer) && some_item_passes(offer);
        let allowed = |item: Item| place.has(item) && passes(item);
        let filtered = if known.is_some() && explain != Explain::No {
            (0..active_offers.offers.len()).filter(|&offer| could(offer) && !open(offer)).count()
        } else {
            0
        };
        let found = recommend::available_offers(&self.model, customer, &active_offers.ready, limit, &open, &allowed);
        let ranked = found.into_iter().map(|ranked| {
            let at = active_offers.offers[ranked.offer];
            let offer = &self.offers()[at];
            let here = || {
                query
                    .store
                    .and_then(|_| active_offers.items[ranked.offer].iter().find(|&&item| place.has(item)).copied())
            };
            let first = || offer.items[self.available.first(&self.offers, at).unwrap_or(0)].as_str();
            let item = ranked.item.or_else(here).map_or_else(first, |item| catalogue.id(item));
            let why = explain.say(|| {
                ranked.item.map_or_else(Why::default, |item| {
                    let found = Recommended { item, score: ranked.score, tier: ranked.tier };
                    let numbers = offer.named_numbers();
                    self.why_offer(&model_query, &found, &recommend::Offer { items: &[], numbers: &numbers })
                })
            });
            OfferAnswer { id: offer.id.as_str().into(), item, score: ranked.score, tier: ranked.tier, why }
        });
        (ranked.collect(), filtered)
    }

    /// Whether an active offer is available in a store, or in the whole market. In a store, its own stock counts for
    /// items that the model knows; for others, that of the market.
    fn is_open(&self, active: &ActiveOffers, at: usize, store: Option<&str>, place: &StoreView<'_>) -> bool {
        let offer = &self.offers()[active.offers[at]];
        match store {
            None => offer.stores.is_empty() && self.available.is_open(active.offers[at]),
            Some(store) if !offer.is_in(store) => false,
            Some(_) if active.items[at].is_empty() => self.available.is_open(active.offers[at]),
            Some(_) => active.items[at].iter().any(|&item| place.has(item)),
        }
    }

    /// The items of the offers that are available now.
    pub(super) fn items_on_offer(&self, store: Option<&str>) -> NumberSet {
        let (active, place) = (self.active_offers(Utc::now()), self.place(store));
        let mut items = NumberSet::new(self.model.catalogue().items().len());
        for at in (0..active.offers.len()).filter(|&at| self.is_open(&active, at, store, &place)) {
            active.items[at].iter().for_each(|&item| items.set(item.0, true));
        }
        items
    }

    /// The active offers, prepared in advance.
    fn active_offers(&self, now: DateTime<Utc>) -> Arc<ActiveOffers> {
        self.active_offers_cache.at(now, || self.make_active_offers(now))
    }

    fn make_active_offers(&self, now: DateTime<Utc>) -> ActiveOffers {
        ActiveOffers::new(&self.offers, &self.model, self.rules.as_deref(), now)
    }

    /// Prepares the offers that are active now, and the next ones if an offer begins or ends soon, so that no request
    /// waits for that.
    pub(in crate::live) fn prepare(&self, now: DateTime<Utc>) {
        self.active_offers_cache.prepare(now, |at| self.make_active_offers(at));
    }

    /// The customers for whom an offer is most relevant; `None` if there is no such offer. Neither the current stock
    /// nor the validity of the offer matters: a newsletter is written for next week.
    pub fn audience(&self, offer: &str, limit: usize, explain: Explain) -> Option<Vec<OfferAnswer<'_>>> {
        let offer = self.offers().iter().find(|known| known.id == offer)?;
        let (mut items, numbers) = (offer.known_items(&self.model), offer.named_numbers());
        items.retain(|&item| self.rules.as_ref().is_none_or(|rules| rules.blocks_always(item).is_none()));
        let wanted = recommend::Offer { items: &items, numbers: &numbers };
        let (model, known) = (&*self.model, self.model.histories().customers().len() as u32);
        let new = if self.hides_customers { Vec::new() } else { self.overlay.new_customers(model) };
        let customers = if self.hides_customers { 0 } else { known + new.len() as u32 };
        let has_baskets = !self.overlay.baskets().is_empty();
        let id = |at: u32| if at < known { model.histories().id(Customer(at)) } else { &*new[(at - known) as usize] };
        let profile_at = |at: u32, each: &mut dyn FnMut(Profile<'_>)| {
            let customer = (at < known).then_some(Customer(at));
            if customer.is_some_and(|customer| self.erased.contains(customer.0)) {
                return;
            }
            match has_baskets.then(|| self.overlay.uncached(id(at), customer, model)).flatten() {
                Some(profile) => each(profile.as_profile()),
                None => customer.into_iter().for_each(|customer| each(model.profile_as_of(customer, self.end()))),
            }
        };
        let audience = recommend::audience(model, wanted, limit, customers, &profile_at).into_iter().map(|found| {
            let recommended = Recommended { item: found.item, score: found.score, tier: Tier::Model };
            let mut why = None;
            profile_at(found.customer, &mut |profile| {
                let model_query = Query { items: &[], customer: Some(profile), ..Query::default() };
                why = explain.say(|| self.why_offer(&model_query, &recommended, &wanted));
            });
            OfferAnswer {
                id: id(found.customer).to_owned().into(),
                item: model.catalogue().id(found.item),
                score: found.score,
                tier: Tier::Model,
                why,
            }
        });
        Some(audience.collect())
    }

    fn why_offer(&self, model_query: &Query<'_>, found: &Recommended, offer: &recommend::Offer<'_>) -> Why {
        let parts = recommend::explain_offer(&self.model, Question::Offers, model_query, offer, found);
        let mut reasons = self.told(Question::Offers, model_query, found);
        if parts.iter().any(|part| part.signal == PROMOTION && part.share > 0.0) {
            reasons.push(ReasonText::new(&self.model, Reason::Promoted));
        }
        Why { reasons, parts }
    }
}
