use serde::{Deserialize, Serialize};

/// How a model is judged, and how long the periods are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// The last so many days are the test; 0 for no evaluation: then nothing is held back and the model is not judged.
    pub test_days: u16,
    /// New settings are compared with those in service on so many days at most: on more than `test_days` if these do not
    /// show whether they are worse.
    pub longest_test_days: u16,
    /// On so many days before these the blend is learned; 0 to keep the weights set by hand.
    pub validation_days: u16,
    /// Weeks of offers that the blend of offers is learned on; each takes a small training of its own.
    pub offer_weeks: usize,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self { test_days: 31, longest_test_days: 62, validation_days: 31, offer_weeks: 12 }
    }
}
