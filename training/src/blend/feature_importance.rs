use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a signal does in a blend, as seen on the customers held out of the validation weeks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureImportance {
    /// How much lower nDCG is without it, as a share; the rest of the blend is left as it is.
    #[serde(rename = "worth")]
    pub importance: f64,
    /// Its values, rising, each with its mean part in the scores.
    pub curve: Vec<[f32; 2]>,
}

/// By question, by signal.
pub type FeatureImportances = BTreeMap<String, BTreeMap<String, FeatureImportance>>;
