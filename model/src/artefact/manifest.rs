use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ArtefactError, FORMAT};
use crate::blend::Blends;
use crate::name::Name;

pub(super) const FILE: &str = "manifest.json";

/// The content of `manifest.json`.
///
/// The file begins with its own hash: BLAKE3 over all its bytes, with the digits of the hash itself replaced by zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub(super) blake3: String,
    /// The artefact's format, [`FORMAT`].
    pub format: u32,
    /// The market of the model.
    pub market: Name,
    /// The model's version.
    pub version: Name,
    /// Time of creation, RFC 3339.
    pub created_at: String,
    /// The version of trolley that trained it.
    pub trolley: String,
    /// The data that it was trained on.
    pub data: DataFacts,
    /// The full training config.
    pub config: serde_json::Value,
    /// The linear weights of the signals; the trees of the blends have their own file.
    pub weights: Blends,
    /// Metrics of the evaluation by name.
    pub evaluation: BTreeMap<String, f64>,
    /// The failed conditions of the gate; a model in service with failed conditions was forced.
    pub failed_gates: Vec<String>,
    /// The outcome of the gate; older artefacts have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
    /// The other files of the artefact.
    pub files: BTreeMap<String, FileFacts>,
}

/// The outcome of the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it was not judged, or why the evidence is weak.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The exceptions accepted on the command line: `smaller` data than that of the previous model, or an `unjudged`
    /// model after a judged one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// The best model of the last 30 days, if it is not this one: the next model is compared with it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Name>,
}

/// The verdict of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every condition was met.
    Passed,
    /// Every condition was met, but there is too little data to show that new settings are not worse.
    WeakEvidence,
    /// There was no data to judge it on.
    NotJudged,
    /// A condition was not met.
    Failed,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 4] = [Self::Passed, Self::WeakEvidence, Self::NotJudged, Self::Failed];

    /// The name in the manifest.
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
    /// The verdict of the gate. For older artefacts without one: failed if there are failed conditions, not judged if
    /// there are no metrics.
    pub fn verdict(&self) -> Verdict {
        match &self.judgement {
            Some(judgement) => judgement.verdict,
            None if !self.failed_gates.is_empty() => Verdict::Failed,
            None if self.evaluation.is_empty() => Verdict::NotJudged,
            None => Verdict::Passed,
        }
    }

    /// Whether it was judged, with any verdict.
    pub fn was_judged(&self) -> bool {
        self.verdict() != Verdict::NotJudged && !self.evaluation.is_empty()
    }
}

/// The data that a model was trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFacts {
    /// BLAKE3 over the parsed input: equal for equal baskets, whatever the layout of the files.
    pub fingerprint: String,
    /// First day of the transactions, `YYYY-MM-DD`.
    pub first_day: String,
    /// Last day of the transactions.
    pub last_day: String,
    /// Rows read.
    pub rows: u64,
    /// Rows rejected, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Number of baskets.
    pub baskets: u64,
    /// Number of items in the catalogue.
    pub items: u64,
    /// Number of items bought often enough to be learned.
    pub learned_items: u64,
    /// Number of customers.
    pub customers: u64,
    /// Number of basket lines; older artefacts have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// Number of items that were sold, without those only in the items table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold_items: Option<u64>,
    /// Number of days with sales.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
}

/// A file of the artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFacts {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its BLAKE3 hash, hexadecimal.
    pub blake3: String,
}

pub(super) const HASH_DIGITS: usize = 64;
const BEFORE_HASH: &str = "{\n  \"blake3\": \"";

/// Encodes the file and fills in its own hash.
pub(super) fn encode(manifest: &Manifest) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(manifest)?;
    bytes.push(b'\n');
    let hash = blake3::hash(&bytes).to_hex();
    bytes[BEFORE_HASH.len()..BEFORE_HASH.len() + HASH_DIGITS].copy_from_slice(hash.as_bytes());
    Ok(bytes)
}

/// Decodes and verifies the file. An unsupported format is reported before anything else is checked.
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
