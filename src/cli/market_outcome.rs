use serde::{Deserialize, Serialize};
use trolley_model::Name;

/// The outcome for a market.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MarketOutcome {
    pub(super) market: String,
    pub(super) fate: Fate,
    pub(super) version: Option<String>,
    pub(super) baskets: Option<u64>,
    pub(super) seconds: Option<f64>,
    /// Peak memory in bytes.
    pub(super) memory: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fate {
    Published,
    Rejected,
    Failed,
}

impl Fate {
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
        Self { market: market.to_string(), fate: Fate::Failed, version, baskets, seconds, memory }
    }
}
