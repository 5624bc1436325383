//! The three questions. The evaluation and the service call these same functions.
//!
//! Each goes the same way: candidates, signals, blend, filter and top k, which for bought together is varied; then the
//! fallback tiers, as far as k is not reached. For alternatives the only tier below the model's is the item's category. The filter comes before top k, never
//! after.

mod alternatives;
mod bought_together;
mod chance;
mod explain;
mod list;
mod model_tier;
mod offers;
mod reasons;
mod score;
mod tiers;

pub use alternatives::{alternative_candidates, alternatives, alternatives_ranking};
pub use bought_together::{
    bought_together, bought_together_and_new, bought_together_question, bought_together_ranking, candidates, pool,
};
pub use explain::{PROMOTION, Part, explain, explain_offer};
pub use list::{Kind, Kinds, varied};
pub use offers::{Audience, Offer, PreparedOffers, RankedOffer, audience, available_offers, offers};
pub use reasons::{FEWEST, Reason, reasons};
pub use tiers::{Tier, may_show};

/// Computes what is computed once per model, so that no request waits for it.
pub fn prepare(model: &crate::Model) {
    crate::signals::of_all_items(model);
}

/// What may be answered, and how much of it.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Number of items wanted.
    pub limit: usize,
    /// False for an item that must not be shown: out of stock, excluded by the caller, blocked by a rule.
    pub allowed: &'a (dyn Fn(u32) -> bool + Sync),
    /// Whether items that the customer has bought before may be shown.
    pub repeats: bool,
    /// What comes first, as far as it may be shown.
    pub pinned: &'a [u32],
    /// Whether two items must not be shown beside each other; `None` if all may.
    pub apart: Option<&'a (dyn Fn(u32, u32) -> bool + Sync)>,
    /// What is added to an item's score in the model's own tier; `None` for nothing.
    pub boost: Option<&'a (dyn Fn(u32) -> f32 + Sync)>,
    /// Which alternatives come first.
    pub prefer: Option<Prefer>,
}

/// Which alternatives come first, by their price per litre, kilogram or piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// Those that are cheaper than what they stand in for.
    Cheaper,
    /// Those that cost about the same, a tenth more or less.
    SamePrice,
}

impl Prefer {
    /// So much dearer, or cheaper, is about the same.
    pub const SAME: f32 = 1.1;
}

impl Limits<'_> {
    /// The best `limit` of all items.
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
    /// Its number.
    pub item: u32,
    /// Comparable within one answer and tier only.
    pub score: f32,
    /// Who answered.
    pub tier: Tier,
}
