//! The conditions for publishing a model, and the reasons for refusing one.

mod beside;
mod config;
mod figures;
mod non_inferiority;
mod reference;
#[cfg(test)]
mod simulation;
mod verdict;
mod volume;

use serde::{Deserialize, Serialize};

pub(crate) use beside::compare;
pub use beside::{Comparison, Days, Reference, Settings, references};
pub use config::{GateConfig, Margin};
pub use non_inferiority::{NonInferiority, TOLERANCE};
pub(crate) use reference::next as next_reference;
pub use verdict::{Accept, Decision};
pub(crate) use verdict::{Examined, rule};
pub use volume::Volume;

/// A condition that was not met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The key in the gate, such as `floor."bought_together.ndcg"`.
    pub gate: String,
    /// What was found, and by how much it fails the condition.
    pub why: String,
    /// What the operator can do.
    pub next: String,
}

impl Failure {
    pub(crate) fn new(gate: &str, why: String, next: &str) -> Self {
        Self { gate: gate.to_owned(), why, next: next.to_owned() }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.gate, self.why)
    }
}
