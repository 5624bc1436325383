//! Split by time: the model is trained on the past, the blend on the weeks after it, and the last weeks are the test.

use serde::{Deserialize, Serialize};

use super::paired::FEWEST_CASES;
use super::weeks::{Week, weeks};
use crate::config::EvaluationConfig;
use crate::input::{ANONYMOUS, OfferRow, Transactions};

/// The periods, as positions in the list of baskets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Periods {
    /// First basket of the validation weeks, on which the blend is learned.
    pub(crate) validation: usize,
    /// First basket of the test.
    pub(crate) test: usize,
    /// First day of the test, in days since 1970-01-01.
    pub(crate) test_from: u16,
    /// Day after the end of the test, in days since 1970-01-01.
    pub(crate) end: u16,
}

impl Periods {
    /// The periods, or the reason why no evaluation is possible.
    pub(crate) fn judged(transactions: &Transactions, config: &EvaluationConfig) -> Result<Self, NotJudged> {
        let periods = Self::new(transactions, config);
        let days = transactions.baskets.first().map_or(0, |basket| periods.end - basket.day);
        if config.test_days == 0 {
            Err(NotJudged::Never)
        } else if periods.test == 0 {
            let more = config.test_days.saturating_add(1).saturating_sub(days);
            Err(NotJudged::TooShort { days, test_days: config.test_days, more })
        } else {
            Ok(periods)
        }
    }

    fn new(transactions: &Transactions, config: &EvaluationConfig) -> Self {
        let end = transactions.baskets.last().map_or(0, |basket| basket.day + 1);
        let test_from = end.saturating_sub(config.test_days);
        let validation_from = test_from.saturating_sub(config.validation_days);
        Self { validation: transactions.before(validation_from), test: transactions.before(test_from), test_from, end }
    }

    /// The weeks of offers before the test, and those that reach into it.
    pub(crate) fn weeks(&self, transactions: &Transactions, offers: &[OfferRow]) -> (Vec<Week>, Vec<Week>) {
        let first_day = transactions.baskets.first().map_or(0, |basket| basket.day);
        let all = weeks(transactions, offers, first_day..self.end, self.test_from);
        all.into_iter().partition(|week| week.baskets.end <= self.test)
    }
}

/// The reason why a model is not evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotJudged {
    /// The configuration disables the evaluation.
    #[error("training.evaluation.test_days is 0, so nothing is held back to judge on")]
    Never,
    /// No days would be left to train on.
    #[error(
        "the transactions cover {days} days, and the last {test_days} (training.evaluation.test_days) are the test: {more} \
         more days are needed"
    )]
    TooShort {
        /// Days from the first basket to the last, inclusive.
        days: u16,
        /// Length of the test, in days.
        test_days: u16,
        /// Number of further days needed.
        more: u16,
    },
    /// The test has too few cases.
    #[error(
        "the test period has {cases} cases, and fewer than {fewest} say nothing: raise training.evaluation.test_days"
    )]
    TooFewCases {
        /// Cases of the largest benchmark.
        cases: usize,
        /// Minimum number of cases.
        fewest: usize,
    },
}

/// Checks whether a model of these transactions can be evaluated.
///
/// # Errors
/// The reason why it cannot.
pub fn judgeable(transactions: &Transactions, config: &EvaluationConfig) -> Result<(), NotJudged> {
    let periods = Periods::judged(transactions, config)?;
    let is_case = |&basket: &usize| {
        transactions.items_of(basket).len() >= 2 || transactions.baskets[basket].customer != ANONYMOUS
    };
    enough((periods.test..transactions.baskets.len()).filter(is_case).count())
}

/// Checks that there are enough cases for an evaluation.
pub(crate) fn enough(cases: usize) -> Result<(), NotJudged> {
    if cases < FEWEST_CASES { Err(NotJudged::TooFewCases { cases, fewest: FEWEST_CASES }) } else { Ok(()) }
}
