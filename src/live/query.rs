use trolley_model::recommend::Tier;

use super::filter::Filter;
use super::instead::PriceWish;
use super::reasons::{Explain, Why};

/// What is asked about items.
#[derive(Clone, Copy, Debug)]
pub struct ItemQuery<'a> {
    /// The items looked at: one, or a cart.
    pub items: &'a [String],
    /// Who looks at them.
    pub customer: Option<&'a str>,
    /// The store that is asked for; the whole market, if there is none.
    pub store: Option<&'a str>,
    /// Items that must not be shown.
    pub exclude: &'a [String],
    /// Whether items that the customer has bought before may be shown.
    pub repeats: bool,
    /// Number of items wanted.
    pub limit: usize,
    /// How many of them are to be such as the customer has never bought.
    pub new: usize,
    /// What may be shown beside that.
    pub filter: Filter<'a>,
    /// What an alternative may cost.
    pub price: PriceWish,
    /// How much is to be said of why.
    pub explain: Explain,
}

/// What is asked about offers.
#[derive(Clone, Copy, Debug)]
pub struct OfferQuery<'a> {
    /// For whom.
    pub customer: &'a str,
    /// The store that is asked for; the whole market, if there is none.
    pub store: Option<&'a str>,
    /// Offers that must not be shown.
    pub exclude: &'a [String],
    /// Which items they may be of.
    pub filter: Filter<'a>,
    /// Number of offers wanted.
    pub limit: usize,
    /// How much is to be said of why.
    pub explain: Explain,
}

impl<'a> ItemQuery<'a> {
    /// The best `limit` for anybody, about some items.
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
            price: PriceWish::default(),
            explain: Explain::No,
        }
    }
}

impl<'a> OfferQuery<'a> {
    /// All offers, up to a limit.
    pub fn of(customer: &'a str, limit: usize, explain: Explain) -> Self {
        Self { customer, store: None, exclude: &[], filter: Filter::default(), limit, explain }
    }
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
    /// How many of it make up for one of what it stands in for, if the sizes are known.
    pub quantity: Option<u32>,
    /// Why, if that was asked.
    pub why: Option<Why>,
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
    pub why: Option<Why>,
}
