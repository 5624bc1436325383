use serde::{Deserialize, Serialize};

use super::item_focus::ItemFocus;

/// How the blend is learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlendConfig {
    /// Number of small trees that are added to the linear weights; 0 for linear weights only.
    pub rounds: usize,
    /// Learning rate of the trees.
    pub learning_rate: f64,
    /// Share of the cases that each tree is grown from, sampled per tree.
    pub share_of_cases: f64,
    /// Number of candidates per training case that are the best by the default weights, and of random ones, which are
    /// weighted to represent all others.
    pub candidates: usize,
    /// In addition, number of candidates that are the best by each signal.
    pub candidates_per_signal: usize,
    /// Maximum number of training cases per question; for offers, per week.
    pub cases: usize,
    /// For bought together: how much of what a customer buys anyway is subtracted from the gain. 0 learns a shopping
    /// list, 1 only what is bought because of the item; at most 2. `auto` tries several values on the validation weeks,
    /// and takes the one with the most due to the item whose hit rate is at most 5 % lower.
    pub item_focus: ItemFocus,
}

impl Default for BlendConfig {
    fn default() -> Self {
        Self {
            rounds: 200,
            learning_rate: 0.1,
            share_of_cases: 0.5,
            candidates: 60,
            candidates_per_signal: 6,
            cases: 10_000,
            item_focus: ItemFocus::default(),
        }
    }
}
