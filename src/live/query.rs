use std::borrow::Cow;

use trolley_model::recommend::Tier;

use super::filter::Filter;
use super::reasons::{Explain, Why};
use super::substitution::PriceOptions;

/// A query about items.
#[derive(Clone, Copy, Debug)]
pub struct ItemQuery<'a> {
    /// The requested items: one, or a cart.
    pub items: &'a [String],
    /// The customer; `None` for an anonymous query.
    pub customer: Option<&'a str>,
    /// The store; `None` for the whole market.
    pub store: Option<&'a str>,
    /// Items that must not be shown.
    pub exclude: &'a [String],
    /// Whether items that the customer has bought before may be shown.
    pub repeats: bool,
    /// Maximum number of items.
    pub limit: usize,
    /// Number of slots for items that the customer has never bought.
    pub new: usize,
    /// The filter by category and price.
    pub filter: Filter<'a>,
    /// Whether only items of valid offers may be shown.
    pub on_offer: bool,
    /// The time of the query in Unix seconds, if not the market's present.
    pub at: Option<i64>,
    /// Price options of alternatives.
    pub price: PriceOptions,
    /// The level of explanation.
    pub explain: Explain,
}

/// A query about offers.
#[derive(Clone, Copy, Debug)]
pub struct OfferQuery<'a> {
    /// The customer.
    pub customer: &'a str,
    /// The store; `None` for the whole market.
    pub store: Option<&'a str>,
    /// Offers that must not be shown.
    pub exclude: &'a [String],
    /// The filter of the items of the offers.
    pub filter: Filter<'a>,
    /// Maximum number of offers.
    pub limit: usize,
    /// The time of the query in Unix seconds, if not the market's present. The validity of offers does not depend on it.
    pub at: Option<i64>,
    /// The level of explanation.
    pub explain: Explain,
}

impl<'a> ItemQuery<'a> {
    /// An anonymous query for the best `limit` items.
    pub fn of(items: &'a [String], limit: usize) -> Self {
        Self {
            items,
            customer: None,
            store: None,
            exclude: &[],
            repeats: true,
            limit,
            new: 0,
            filter: Filter::default(),
            on_offer: false,
            at: None,
            price: PriceOptions::default(),
            explain: Explain::No,
        }
    }
}

impl<'a> OfferQuery<'a> {
    /// A query for all offers, up to a limit.
    pub fn of(customer: &'a str, limit: usize, explain: Explain) -> Self {
        Self { customer, store: None, exclude: &[], filter: Filter::default(), limit, at: None, explain }
    }
}

/// A recommended item.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'a> {
    /// Its ID.
    pub id: &'a str,
    /// Comparable within one answer and tier only.
    pub score: f32,
    /// The stage that produced it.
    pub tier: Tier,
    /// How many of it replace one of the requested item, if both sizes are known.
    pub quantity: Option<u32>,
    /// The explanation, if it was requested.
    pub why: Option<Why>,
}

/// An item that a customer will buy again.
#[derive(Clone, Debug, PartialEq)]
pub struct DueAnswer<'a> {
    /// The item.
    pub answer: Answer<'a>,
    /// The day on which it is expected, in days since 1970-01-01.
    pub due: Option<u16>,
    /// The quantity that the customer usually buys.
    pub quantity: Option<f32>,
}

/// An offer for a customer, or a customer for an offer.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferAnswer<'a> {
    /// The ID of the offer (or the customer).
    pub id: Cow<'a, str>,
    /// The ID of the item that makes it relevant.
    pub item: &'a str,
    /// Comparable within one answer and tier only.
    pub score: f32,
    /// The stage that produced it.
    pub tier: Tier,
    /// The explanation, if it was requested.
    pub why: Option<Why>,
}
