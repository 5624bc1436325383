use serde::{Deserialize, Serialize};

/// How a model is evaluated, and the lengths of the periods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Number of days at the end of the data to test on; 0 for no evaluation.
    pub test_days: u16,
    /// New settings are compared with those of the model in service on the test days. If these are too few to show
    /// whether the new ones are worse, up to this many days are used.
    pub longest_test_days: u16,
    /// Number of days before the test on which the blend is learned; 0 for the default weights.
    pub validation_days: u16,
    /// Number of weeks on which the blend of offers is learned; each takes a small training of its own.
    pub offer_weeks: usize,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self { test_days: 31, longest_test_days: 62, validation_days: 31, offer_weeks: 12 }
    }
}
