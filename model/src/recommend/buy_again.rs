use super::score::{best, tidy};
use super::{Limits, Recommended};
use crate::item_stats::ItemStats;
use crate::{Item, Model, Profile, Query, Question};

/// An item that a customer will buy again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DueItem {
    /// The item with its score.
    pub found: Recommended,
    /// The day on which it is expected, in days since 1970-01-01, from the present day on; `None` after one purchase.
    pub due: Option<u16>,
    /// The quantity that the customer usually buys, if known.
    pub quantity: Option<f32>,
}

/// Maximum number of candidates, by decayed purchases.
const OWN: usize = 100;

/// What a customer will buy next of what they have bought before, most likely first; nothing for an anonymous one.
pub fn buy_again(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<DueItem> {
    let Some(customer) = query.customer else { return Vec::new() };
    let candidates = buy_again_candidates(model, query, limits);
    let found = best(model, Question::BuyAgain, query, &candidates, limits, limits.limit);
    let due = |found: Recommended| {
        let due = customer.stats_of(found.item).and_then(|stats| due(&customer, &stats));
        DueItem { found, due, quantity: customer.quantity(found.item) }
    };
    found.map(due).collect()
}

/// The candidates, strictly ascending: the allowed items of the customer's history.
pub fn buy_again_candidates(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Item> {
    let own =
        query.customer.map(|customer| customer.most(OWN.max(2 * limits.limit), limits.allowed)).unwrap_or_default();
    tidy(model, &own, |_| true)
}

/// The last purchase plus the mean interval between purchases, or the present day if that is later.
fn due(customer: &Profile<'_>, stats: &ItemStats) -> Option<u16> {
    let next = f32::from(stats.last_day) + stats.interval()?;
    Some((next.round() as u16).max(customer.today()))
}
