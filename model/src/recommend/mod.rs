//! The questions: bought together, alternatives, offers, what a customer buys again, and what is new for them. The
//! evaluation and the service call the same functions.
//!
//! The first two run the same steps: candidates, filters, signals, blend and top k; a list of bought together is also
//! diversified. Fallback tiers then fill the list up to k; alternatives have only one, the item's category. Filters run
//! before top k, never after.

mod alternatives;
mod bought_together;
mod buy_again;
mod chance;
mod explain;
mod list;
mod model_tier;
mod new_for_you;
mod offers;
mod reasons;
mod score;
mod tiers;

pub use alternatives::{alternative_candidates, alternatives, alternatives_ranking};
pub use bought_together::{
    bought_together, bought_together_and_new, bought_together_question, bought_together_ranking, candidates, pool,
};
pub use buy_again::{DueItem, buy_again, buy_again_candidates};
pub use explain::{PROMOTION, Part, explain, explain_offer};
pub use list::{Kind, Kinds, varied};
pub use new_for_you::{new_for_you, new_for_you_candidates};
pub use offers::{Audience, Offer, PreparedOffers, ProfileAt, RankedOffer, audience, available_offers, offers};
pub use reasons::{FEWEST, Reason, reasons};
pub use tiers::{Tier, may_show};

use crate::item::Item;

/// Computes the signals that depend on the item alone, once per model, so that no request waits for them.
pub fn prepare(model: &crate::Model) {
    crate::signals::of_all_items(model);
}

/// The filters and the length of an answer.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Maximum number of items.
    pub limit: usize,
    /// False for items that must not be shown: out of stock, excluded by the caller, or blocked by a rule.
    pub allowed: &'a (dyn Fn(Item) -> bool + Sync),
    /// Whether items that the customer has bought before may be shown.
    pub repeats: bool,
    /// Items that come first, if they pass the filters.
    pub pinned: &'a [Item],
    /// True for two items that must not be in the same list; `None` without such a rule.
    pub apart: Option<&'a (dyn Fn(Item, Item) -> bool + Sync)>,
    /// Added to an item's score in the tier `model`; `None` for nothing.
    pub boost: Option<&'a (dyn Fn(Item) -> f32 + Sync)>,
    /// Which alternatives come first; `None` for the order of their scores.
    pub prefer: Option<Prefer>,
}

/// Which alternatives come first, by their unit price (per litre, kilogram or piece).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// Those cheaper than the requested item.
    Cheaper,
    /// Those of about the same price, see [`Prefer::SAME`].
    SamePrice,
}

impl Prefer {
    /// Largest price ratio, in either direction, that counts as the same price.
    pub const SAME: f32 = 1.1;
}

impl Limits<'_> {
    /// The best `limit` items, without filters.
    pub fn best(limit: usize) -> Self {
        Self { limit, allowed: &|_| true, repeats: true, pinned: &[], apart: None, boost: None, prefer: None }
    }
}

impl std::fmt::Debug for Limits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("limit", &self.limit).field("repeats", &self.repeats).finish_non_exhaustive()
    }
}

/// One recommended item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recommended {
    /// The item's number.
    pub item: Item,
    /// Comparable only within one answer and tier.
    pub score: f32,
    /// The tier that answered.
    pub tier: Tier,
}
