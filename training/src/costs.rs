//! Time and memory of a training.

use serde::{Deserialize, Serialize};

/// Time and memory of a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Seconds from the first row read to the verdict.
    pub seconds: f64,
    /// Peak memory of the process in bytes, if the system reports it.
    pub peak_memory: Option<u64>,
    /// The stages, longest first.
    pub stages: Vec<Stage>,
}

/// The time of one stage of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Wall-clock time in seconds.
    pub seconds: f64,
    /// Processor time in seconds, over all threads; 0 if the system does not report it.
    pub processor_seconds: f64,
}

/// Peak memory of this process in bytes; `None` if the system does not report it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
