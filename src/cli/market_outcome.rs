use serde::{Deserialize, Serialize};
use trolley_model::Name;

/// The outcome for a market.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MarketOutcome {
    pub(super) market: String,
    pub(super) result: TrainingResult,
    pub(super) version: Option<String>,
    pub(super) baskets: Option<u64>,
    pub(super) seconds: Option<f64>,
    /// Peak memory in bytes.
    pub(super) memory: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TrainingResult {
    Published,
    Rejected,
    Failed,
}

impl TrainingResult {
    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Rejected => "rejected by its gate",
            Self::Failed => "failed",
        }
    }
}

impl MarketOutcome {
    /// Failed, for a reason that was printed.
    pub(super) fn failed(market: &Name) -> Self {
        let (version, baskets, seconds, memory) = (None, None, None, None);
        Self { market: market.to_string(), result: TrainingResult::Failed, version, baskets, seconds, memory }
    }
}
