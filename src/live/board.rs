use chrono::{DateTime, Utc};
use trolley_model::Model;
use trolley_model::recommend::{self, OnOffer};

use super::offers::Offer;
use super::rules::Rulebook;
use super::stock::Stock;

/// What can be had of an offer.
#[derive(Clone, Debug)]
pub(super) struct Open {
    /// The numbers of its items that are in stock, that no rule blocks and that the model knows.
    pub(super) items: Vec<u32>,
    /// The first of its items that can be had, known to the model or not; `None` closes the offer.
    pub(super) first: Option<usize>,
}

impl Open {
    /// Of each offer, in their order.
    pub(super) fn of(offers: &[Offer], model: &Model, stock: &Stock, rules: Option<&Rulebook>) -> Vec<Self> {
        let number = |id: &String| model.catalogue().items().position(id);
        let blocked =
            |id: &String| rules.is_some_and(|rules| number(id).and_then(|i| rules.blocks_always(i)).is_some());
        let can_be_had = |id: &String| stock.is_in_stock(id) && !blocked(id);
        let open = |offer: &Offer| Self {
            items: offer.items.iter().filter(|id| can_be_had(id)).filter_map(number).collect(),
            first: offer.items.iter().position(can_be_had),
        };
        offers.iter().map(open).collect()
    }
}

/// The offers that hold at a time and of which anything can be had, ready to be ranked.
#[derive(Debug)]
pub(super) struct Board {
    /// The positions of these offers among all.
    pub(super) offers: Vec<usize>,
    /// The same, for the model.
    pub(super) ready: OnOffer,
    /// It is the same from then on, as far as any offer begins or ends before.
    from: Option<DateTime<Utc>>,
    /// Until then, as far as any does later.
    until: Option<DateTime<Utc>>,
}

impl Board {
    pub(super) fn new(offers: &[Offer], open: &[Open], model: &Model, now: DateTime<Utc>) -> Self {
        let holding: Vec<usize> =
            (0..offers.len()).filter(|&at| open[at].first.is_some() && offers[at].holds_at(now)).collect();
        let numbers: Vec<Vec<(&str, f32)>> = holding.iter().map(|&at| offers[at].named_numbers()).collect();
        let listed = holding.iter().zip(&numbers);
        let listed = listed.map(|(&at, numbers)| recommend::Offer { items: &open[at].items, numbers });
        let ready = OnOffer::new(model, &listed.collect::<Vec<_>>());
        let changes = || offers.iter().flat_map(|offer| [offer.valid_from, offer.valid_to]).flatten();
        let (from, until) = (changes().filter(|&at| at <= now).max(), changes().filter(|&at| at > now).min());
        Self { offers: holding, ready, from, until }
    }

    /// Whether it is still, or already, what is on offer.
    pub(super) fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}
