//! Scheduling delays: how long threads waited for a processor.

use std::fs::File;
use std::io::{Read, Seek};

/// The threads of some processes, listed once.
pub(crate) struct Waits(Vec<File>);

impl Waits {
    /// All threads of these processes.
    pub(crate) fn of(processes: &[u32]) -> Self {
        let threads = processes.iter().filter_map(|process| std::fs::read_dir(format!("/proc/{process}/task")).ok());
        Self(
            threads.flatten().flatten().filter_map(|thread| File::open(thread.path().join("schedstat")).ok()).collect(),
        )
    }

    /// Total milliseconds that the threads have waited so far; NaN if the system does not report it (Linux does).
    pub(crate) fn milliseconds(&mut self) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        let waited = |file: &mut File| {
            let mut text = String::new();
            file.rewind().ok()?;
            file.read_to_string(&mut text).ok()?;
            // Nanoseconds on a processor, nanoseconds of waiting for one, number of time slices.
            text.split(' ').nth(1)?.parse::<f64>().ok()
        };
        self.0.iter_mut().filter_map(waited).sum::<f64>() / 1e6
    }
}
