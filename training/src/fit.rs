//! From baskets to a model: counted, then learned.

use trolley_model::{ModelError, Parts};

use crate::config::TrainingConfig;
use crate::count::count;
use crate::input::{Items, OfferRow, Transactions};
use crate::learn::learn;
use crate::progress::Progress;

/// A model as it was learned.
#[derive(Debug)]
pub struct Fitted {
    /// The model.
    pub parts: Parts,
    /// Mean loss of the item embeddings, pass by pass.
    pub losses: Vec<f64>,
}

/// What is to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// What offers are ranked by: no pairs of items and no embeddings, which take longest.
    Customers,
}

/// Learns a model from the first `until` baskets: all of them for publishing, the past for an evaluation.
///
/// # Errors
/// If the input is too large for the model's numbers.
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
