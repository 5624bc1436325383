use std::num::NonZeroU32;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The baskets that a shop pushes, and the items that customers dismiss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BasketsConfig {
    /// Maximum age in days of a pushed basket that answers use, counted from the market's present day.
    pub days: u16,
    /// Maximum age in days of a pushed basket in the database: trainings may read them.
    pub stored_days: u16,
    /// Maximum number of customers per market with baskets in memory. Beyond it, those whose last basket is the oldest
    /// are removed from memory.
    pub customers: usize,
    /// Minimum number of baskets of customers on a day that makes it the market's present day, if it is later than the
    /// last day of the model.
    pub clock_baskets: NonZeroU32,
    /// Number of days for which an item is not shown to a customer who has dismissed it.
    pub dismissed_days: u16,
}

impl BasketsConfig {
    /// Since when dismissals hold, in Unix seconds.
    pub fn dismissed_since(&self, now: DateTime<Utc>) -> i64 {
        now.timestamp() - i64::from(self.dismissed_days) * 86_400
    }
}

impl Default for BasketsConfig {
    fn default() -> Self {
        Self {
            days: 100,
            stored_days: 400,
            customers: 1_000_000,
            clock_baskets: const { NonZeroU32::new(20).unwrap() },
            dismissed_days: 30,
        }
    }
}
