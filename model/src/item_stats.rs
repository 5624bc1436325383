//! A customer's purchase statistics per item.

use crate::item::Item;

/// Statistics of one item in a customer's history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ItemStats {
    /// The item's number.
    pub item: Item,
    /// Number of the customer's baskets with it, at most 65,535.
    pub baskets: u16,
    /// Day of the first such basket, in days since 1970-01-01.
    pub first_day: u16,
    /// Day of the last such basket.
    pub last_day: u16,
    /// The same baskets, weighted by one half to the power of their age in half-lives.
    pub decayed: f32,
}

impl ItemStats {
    /// Mean number of days between purchases; `None` after one purchase or if all were on one day.
    pub fn interval(&self) -> Option<f32> {
        let days = self.last_day.saturating_sub(self.first_day);
        (self.baskets >= 2 && days > 0).then(|| f32::from(days) / f32::from(self.baskets - 1))
    }
}

/// The fields of [`ItemStats`] as columns.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "as in `ItemStats`")]
pub struct ItemStatsColumns {
    pub item: Vec<Item>,
    pub baskets: Vec<u16>,
    pub first_day: Vec<u16>,
    pub last_day: Vec<u16>,
    pub decayed: Vec<f32>,
    /// Purchases of the item per week in which it was on offer; empty without data on offers.
    pub taken_on_offer: Vec<f32>,
    /// Median quantity of the item in the baskets with a known one, 0 if there is none; empty without quantities.
    pub quantity: Vec<f32>,
}

impl ItemStatsColumns {
    /// Appends one item's statistics, without `taken_on_offer` and `quantity`.
    pub fn push(&mut self, stats: ItemStats) {
        self.item.push(stats.item);
        self.baskets.push(stats.baskets);
        self.first_day.push(stats.first_day);
        self.last_day.push(stats.last_day);
        self.decayed.push(stats.decayed);
    }

    /// Appends all rows of other columns.
    pub(crate) fn append(&mut self, other: &Self) {
        self.item.extend_from_slice(&other.item);
        self.baskets.extend_from_slice(&other.baskets);
        self.first_day.extend_from_slice(&other.first_day);
        self.last_day.extend_from_slice(&other.last_day);
        self.decayed.extend_from_slice(&other.decayed);
        self.taken_on_offer.extend_from_slice(&other.taken_on_offer);
        // Only customers with known quantities have the column.
        if !other.quantity.is_empty() || !self.quantity.is_empty() {
            self.quantity.resize(self.item.len() - other.item.len(), 0.0);
            self.quantity.extend_from_slice(&other.quantity);
            self.quantity.resize(self.item.len(), 0.0);
        }
    }
}
