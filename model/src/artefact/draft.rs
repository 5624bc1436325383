use std::collections::BTreeMap;

use super::FORMAT;
use super::manifest::{DataFacts, FileFacts, HASH_DIGITS, Judgement, Manifest};
use crate::model::Parts;
use crate::name::Name;

/// A model to be published, with the content of its manifest.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The market of the model.
    pub market: Name,
    /// Its version, which must be new in that market.
    pub version: Name,
    /// Time of creation, RFC 3339.
    pub created_at: String,
    /// The data that it was trained on.
    pub data: DataFacts,
    /// The full training config.
    pub config: serde_json::Value,
    /// Metrics of the evaluation by name.
    pub evaluation: BTreeMap<String, f64>,
    /// The failed conditions of the gate.
    pub failed_gates: Vec<String>,
    /// The outcome of the gate.
    pub judgement: Option<Judgement>,
    /// The model itself.
    pub parts: &'a Parts,
}

impl Draft<'_> {
    /// The manifest, without its own hash.
    pub(super) fn manifest(&self, files: BTreeMap<String, FileFacts>) -> Manifest {
        Manifest {
            blake3: "0".repeat(HASH_DIGITS),
            format: FORMAT,
            market: self.market.clone(),
            version: self.version.clone(),
            created_at: self.created_at.clone(),
            trolley: env!("CARGO_PKG_VERSION").to_owned(),
            data: self.data.clone(),
            config: self.config.clone(),
            weights: self.parts.blends.straight(),
            evaluation: self.evaluation.clone(),
            failed_gates: self.failed_gates.clone(),
            judgement: self.judgement.clone(),
            files,
        }
    }
}
