use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ArtefactError, FORMAT};
use crate::blend::Blends;
use crate::name::Name;

pub(super) const FILE: &str = "manifest.json";

/// What `manifest.json` holds.
///
/// The file begins with its own hash: BLAKE3 over all its bytes, the hash's own digits taken as zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub(super) blake3: String,
    /// The artefact's format, [`FORMAT`].
    pub format: u32,
    /// The market that the model is for.
    pub market: Name,
    /// The model's version.
    pub version: Name,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// The version of trolley that made it.
    pub trolley: String,
    /// What it was made from.
    pub data: DataFacts,
    /// The full training config.
    pub config: serde_json::Value,
    /// The signals' straight weights; the trees of the blends have a file of their own.
    pub weights: Blends,
    /// Figures of the evaluation by name.
    pub evaluation: BTreeMap<String, f64>,
    /// The conditions of the gate that it did not meet: one in service that has any was forced.
    pub failed_gates: Vec<String>,
    /// How it was judged; older artefacts do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
    /// The other files of the artefact.
    pub files: BTreeMap<String, FileFacts>,
}

/// How a model was judged before it was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// In one word.
    pub verdict: Verdict,
    /// Why it was not judged, or where the evidence is weak.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What was accepted on the command line: `smaller` data than that of the model before, a model `unjudged` where the
    /// one before was judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// The best model of the last 30 days, with which the next one is compared too, if it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Name>,
}

/// What the gate says of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every condition was met.
    Passed,
    /// Every condition was met, but the shop is too small to show that new settings are not worse.
    WeakEvidence,
    /// There was nothing to judge it on.
    NotJudged,
    /// A condition was not met.
    Failed,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Passed, Self::WeakEvidence, Self::NotJudged, Self::Failed];

    /// As the manifest has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::WeakEvidence => "weak_evidence",
            Self::NotJudged => "not_judged",
            Self::Failed => "failed",
        }
    }
}

impl Manifest {
    /// What the gate said of it. Of an older one: failed if it was forced, not judged if it has no figures.
    pub fn verdict(&self) -> Verdict {
        match &self.judgement {
            Some(judgement) => judgement.verdict,
            None if !self.failed_gates.is_empty() => Verdict::Failed,
            None if self.evaluation.is_empty() => Verdict::NotJudged,
            None => Verdict::Passed,
        }
    }

    /// Whether it was judged, with whatever outcome.
    pub fn was_judged(&self) -> bool {
        self.verdict() != Verdict::NotJudged && !self.evaluation.is_empty()
    }
}

/// What a model was made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFacts {
    /// BLAKE3 over the input as it was understood: the same for the same baskets, whatever the files' layout.
    pub fingerprint: String,
    /// First day of the transactions, `YYYY-MM-DD`.
    pub first_day: String,
    /// Last day of the transactions.
    pub last_day: String,
    /// Rows read.
    pub rows: u64,
    /// Rows rejected, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Baskets.
    pub baskets: u64,
    /// Items in the catalogue.
    pub items: u64,
    /// Of these, bought often enough to be learned.
    pub learned_items: u64,
    /// Customers.
    pub customers: u64,
    /// Lines of the baskets; older artefacts do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// Items that were sold, without those of the items table alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold_items: Option<u64>,
    /// Days on which anything was sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
}

/// A file of the artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFacts {
    /// Its length.
    pub bytes: u64,
    /// Its BLAKE3 hash, hexadecimal.
    pub blake3: String,
}

pub(super) const HASH_DIGITS: usize = 64;
const BEFORE_HASH: &str = "{\n  \"blake3\": \"";

/// The bytes of the file, its own hash filled in.
pub(super) fn encode(manifest: &Manifest) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(manifest)?;
    bytes.push(b'\n');
    let hash = blake3::hash(&bytes).to_hex();
    bytes[BEFORE_HASH.len()..BEFORE_HASH.len() + HASH_DIGITS].copy_from_slice(hash.as_bytes());
    Ok(bytes)
}

/// Reads and verifies the file. A format that is not ours is named before anything else is judged.
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Manifest, ArtefactError> {
    #[derive(Deserialize)]
    struct OnlyFormat {
        format: u64,
    }
    let bad = |reason: String| ArtefactError::Manifest { path: path.to_owned(), reason };
    let OnlyFormat { format } = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() { ArtefactError::Cut { path: path.to_owned() } } else { bad(error.to_string()) }
    })?;
    if format != u64::from(FORMAT) {
        return Err(ArtefactError::Format { path: path.to_owned(), found: format, supported: FORMAT });
    }
    let hash = bytes
        .strip_prefix(BEFORE_HASH.as_bytes())
        .and_then(|rest| rest.get(..HASH_DIGITS))
        .ok_or_else(|| bad("it does not begin with its hash".into()))?;
    let mut zeroed = bytes.to_vec();
    zeroed[BEFORE_HASH.len()..BEFORE_HASH.len() + HASH_DIGITS].fill(b'0');
    if blake3::hash(&zeroed).to_hex().as_bytes() != hash {
        return Err(ArtefactError::Hash { path: path.to_owned() });
    }
    serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))
}
