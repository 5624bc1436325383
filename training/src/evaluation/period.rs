//! Time decides: the past is learned from, the weeks after it teach the blend, and the last weeks are the test.

use serde::{Deserialize, Serialize};

use crate::input::Transactions;

/// How a model is judged, and how long the periods are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// The last so many days are the test; 0 for no evaluation: then nothing is held back, and no gate can hold.
    pub test_days: u16,
    /// On so many days before these the blend is learned; 0 to keep the weights set by hand.
    pub validation_days: u16,
    /// Weeks of offers that the blend of offers is learned on; each takes a small training of its own.
    pub offer_weeks: usize,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self { test_days: 31, validation_days: 31, offer_weeks: 12 }
    }
}

/// The periods as positions in the list of baskets, with their first days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Periods {
    /// First basket of the weeks that the blend is learned on.
    pub(crate) validation: usize,
    /// First basket of the test.
    pub(crate) test: usize,
    /// Its first day, in days since 1970-01-01.
    pub(crate) test_from: u16,
    /// The day after the last one.
    pub(crate) end: u16,
}

impl Periods {
    pub(crate) fn new(transactions: &Transactions, config: &EvaluationConfig) -> Self {
        let end = transactions.baskets.last().map_or(0, |basket| basket.day + 1);
        let test_from = end.saturating_sub(config.test_days);
        let validation_from = test_from.saturating_sub(config.validation_days);
        Self { validation: transactions.before(validation_from), test: transactions.before(test_from), test_from, end }
    }
}
