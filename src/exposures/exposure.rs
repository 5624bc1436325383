use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Length of a customer's pseudonym in the log, in hexadecimal digits.
pub(super) const PSEUDONYM_LENGTH: usize = 32;

/// What one answer showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Time of the answer.
    pub at: DateTime<Utc>,
    /// ID of the answer.
    pub recommendation_id: Uuid,
    /// The market.
    pub market: String,
    /// The customer's pseudonym, a keyed hash of the ID; `None` for an anonymous or erased customer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer: Option<String>,
    /// The question, such as `bought-together`.
    pub question: String,
    /// The requested items.
    pub query: Vec<String>,
    /// The shown items or offers, in order of position.
    pub items: Vec<String>,
    /// The version of the model.
    pub model: String,
    /// The variant of an experiment.
    pub variant: String,
}

/// Erased customers, by their pseudonyms in the log.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// Their exposures are logged as anonymous.
    pub(super) all: HashSet<String>,
    /// Those whose lines are still to be removed.
    pub(super) pending: Vec<String>,
}
