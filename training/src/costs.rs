//! What a training took.

use serde::{Deserialize, Serialize};

/// What the training took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Seconds from the first row read to the verdict.
    pub seconds: f64,
    /// Most memory that the process held at any time, in bytes, if the system tells.
    pub peak_memory: Option<u64>,
    /// The stages, the longest first.
    pub stages: Vec<Stage>,
}

/// What a stage of the training took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// What was done.
    pub name: String,
    /// Seconds by the clock.
    pub seconds: f64,
    /// Seconds that processors have worked for it, in all threads; 0 where the system does not tell.
    pub processor_seconds: f64,
}

/// The most memory that this process has held, in bytes; `None` where the system does not tell.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
