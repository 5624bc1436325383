use std::collections::BTreeMap;

use super::FORMAT;
use super::manifest::{DataFacts, FileFacts, HASH_DIGITS, Judgement, Manifest};
use crate::model::Parts;
use crate::name::Name;

/// A model that is about to be published, with all that its manifest says about it.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The market that it is for.
    pub market: Name,
    /// Its version, new in that market.
    pub version: Name,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// What it was made from.
    pub data: DataFacts,
    /// The full training config.
    pub config: serde_json::Value,
    /// Figures of the evaluation by name.
    pub evaluation: BTreeMap<String, f64>,
    /// The conditions of the gate that it did not meet.
    pub failed_gates: Vec<String>,
    /// How it was judged.
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
