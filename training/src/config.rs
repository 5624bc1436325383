//! How a model is trained. One struct per concern; every field has a default that works.

use serde::{Deserialize, Serialize};

use crate::ials::IalsConfig;
use crate::skipgram::SkipGramConfig;

/// The whole training config; it is stored in the artefact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// All randomness follows from it.
    pub seed: u64,
    /// Items in fewer baskets than this are not learned; they are recommended by the fallback tiers alone.
    pub min_baskets: u32,
    /// How many days at the end of the period count as recent.
    pub recent_days: u16,
    /// After so many days a purchase counts half in a customer's history.
    pub half_life_days: f32,
    /// Partners kept per item.
    pub partners: usize,
    /// Of a larger basket only so many of its items, drawn at random, count towards pairs.
    pub max_basket_items: usize,
    /// The item embeddings.
    pub skipgram: SkipGramConfig,
    /// The factors.
    pub ials: IalsConfig,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            min_baskets: 5,
            recent_days: 28,
            half_life_days: 75.0,
            partners: 128,
            max_basket_items: 150,
            skipgram: SkipGramConfig::default(),
            ials: IalsConfig::default(),
        }
    }
}
