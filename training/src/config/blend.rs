use serde::{Deserialize, Serialize};

use super::item_focus::ItemFocus;

/// How the blend is learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlendConfig {
    /// Trees that are added to the straight weights; 0 for straight weights alone.
    pub rounds: usize,
    /// Share of each tree's step that is taken.
    pub learning_rate: f64,
    /// Share of the cases that each tree is grown from, drawn anew for each.
    pub share_of_cases: f64,
    /// Candidates per case that are learned from: so many are the best by the weights set by hand, and as many random
    /// ones, which count for all others.
    pub candidates: usize,
    /// And so many are the best by each signal.
    pub candidates_per_signal: usize,
    /// Most cases per question that are learned from, drawn at random.
    pub cases: usize,
    /// Of what is bought together: how much of what the customer buys anyway is taken off what is learned, from 0 (a
    /// shopping list) to 2, or `auto`.
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
