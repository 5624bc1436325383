//! From baskets to a model: count, then learn.

use trolley_model::ModelError;

use crate::config::TrainingConfig;
use crate::count::{Scope, count};
use crate::input::{Items, OfferRow, Transactions};
use crate::learn::{Fitted, learn};
use crate::progress::Progress;

/// Fits a model to the first `until` baskets: all of them for publishing, the past for an evaluation.
///
/// # Errors
/// If the input exceeds the number types of the model.
pub fn fit(
    transactions: &Transactions,
    until: usize,
    items: &Items,
    offers: &[OfferRow],
    config: &TrainingConfig,
    scope: Scope,
    progress: &dyn Progress,
) -> Result<Fitted, ModelError> {
    let (counts, baskets) = count(transactions, until, items, offers, config, scope, progress)?;
    learn(counts, (scope == Scope::All).then(|| baskets.sample()), config, progress)
}
