//! How long work tells what it is doing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Hears of the stages of training. The command line draws bars; tests and other callers pass [`Silent`].
pub trait Progress: Sync {
    /// A stage begins; it will advance by `total` in all.
    fn begin(&self, stage: &'static str, total: u64);
    /// The stage has advanced.
    fn advance(&self, by: u64);
    /// The stage has ended.
    fn end(&self);
}

/// Says nothing.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &'static str, _total: u64) {}
    fn advance(&self, _by: u64) {}
    fn end(&self) {}
}

/// Passes everything on, and adds up how long each stage took. Stages follow each other.
pub(crate) struct Timed<'a> {
    to: &'a dyn Progress,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    running: Option<(&'static str, Instant)>,
    seconds: BTreeMap<&'static str, f64>,
}

impl<'a> Timed<'a> {
    pub(crate) fn new(to: &'a dyn Progress) -> Self {
        Self { to, times: Mutex::default() }
    }

    /// Seconds by stage, the longest first.
    pub(crate) fn stages(&self) -> Vec<(String, f64)> {
        let guard = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stages: Vec<(String, f64)> =
            guard.seconds.iter().map(|(stage, seconds)| ((*stage).to_owned(), *seconds)).collect();
        stages.sort_by(|a, b| b.1.total_cmp(&a.1));
        stages
    }
}

impl Progress for Timed<'_> {
    fn begin(&self, stage: &'static str, total: u64) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).running = Some((stage, Instant::now()));
        self.to.begin(stage, total);
    }

    fn advance(&self, by: u64) {
        self.to.advance(by);
    }

    fn end(&self) {
        let mut guard = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stage, began)) = guard.running.take() {
            *guard.seconds.entry(stage).or_default() += began.elapsed().as_secs_f64();
        }
        drop(guard);
        self.to.end();
    }
}
