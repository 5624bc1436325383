use serde::{Deserialize, Serialize};

/// How the embeddings are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SkipGramConfig {
    /// Length of the vectors.
    pub dims: usize,
    /// Passes over all baskets.
    pub epochs: usize,
    /// What the negatives of a line weigh together. Its positives, the other lines of the basket, weigh 1 together:
    /// every line counts the same, and a pair in a basket of n items weighs 1/(n-1).
    pub negatives: f32,
    /// Negatives drawn for a basket, which all of its pairs share.
    pub shared_negatives: usize,
    /// Step length at the beginning; it falls to nothing in a straight line.
    pub learning_rate: f32,
    /// Negatives are drawn with the items' baskets to this power.
    pub power: f32,
    /// Items in a larger share of all baskets than this are passed over now and then (Mikolov et al. 2013, section
    /// 2.3); 0 for never.
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
