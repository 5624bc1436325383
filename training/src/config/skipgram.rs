use serde::{Deserialize, Serialize};

/// How the embeddings are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkipGramConfig {
    /// Length of the vectors.
    pub dims: usize,
    /// Number of passes over all baskets.
    pub epochs: usize,
    /// Total weight of the negatives of an item in a basket. Its positives, the other items of the basket, have a total
    /// weight of 1, so each item of a basket has the same weight, and a pair in a basket of n items weighs 1/(n-1).
    pub negatives: f32,
    /// Number of negatives drawn for a few baskets, shared by all of their pairs.
    pub shared_negatives: usize,
    /// Initial learning rate; it decays linearly to 0.
    pub learning_rate: f32,
    /// Negatives are drawn in proportion to the number of an item's baskets to this power.
    pub power: f32,
    /// Items in a larger share of all baskets than this are subsampled (Mikolov et al. 2013, section 2.3); 0 for none.
    pub subsample: f32,
}

impl Default for SkipGramConfig {
    fn default() -> Self {
        Self {
            dims: 64,
            epochs: 12,
            negatives: 5.0,
            shared_negatives: 32,
            learning_rate: 0.2,
            power: 0.5,
            subsample: 0.0,
        }
    }
}
