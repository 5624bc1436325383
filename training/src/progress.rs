//! Progress of long operations.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

use crate::costs::Stage;

/// Receives the stages of a training. The command line draws bars; tests and other callers pass [`Silent`].
pub trait Progress: Sync {
    /// A stage begins; `total` is the sum of its advances.
    fn begin(&self, stage: &'static str, total: u64);
    /// The stage has advanced.
    fn advance(&self, by: u64);
    /// The stage has ended.
    fn end(&self);
}

/// Ignores all progress.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &'static str, _total: u64) {}
    fn advance(&self, _by: u64) {}
    fn end(&self) {}
}

/// Forwards everything, and adds up the time of each stage. Stages do not overlap.
pub(crate) struct Timed<'a> {
    to: &'a dyn Progress,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    /// The current stage, its start, and the processor time until then.
    running: Option<(&'static str, Instant, Duration)>,
    stages: BTreeMap<&'static str, Stage>,
}

impl<'a> Timed<'a> {
    pub(crate) fn new(to: &'a dyn Progress) -> Self {
        Self { to, times: Mutex::default() }
    }

    /// The time of each stage, longest first.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        let guard = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stages: Vec<Stage> = guard.stages.values().cloned().collect();
        stages.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        stages
    }
}

impl Progress for Timed<'_> {
    fn begin(&self, stage: &'static str, total: u64) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).running = Some((stage, Instant::now(), worked()));
        self.to.begin(stage, total);
    }

    fn advance(&self, by: u64) {
        self.to.advance(by);
    }

    fn end(&self) {
        let mut guard = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((name, began, before)) = guard.running.take() {
            let new = || Stage { name: name.to_owned(), seconds: 0.0, processor_seconds: 0.0 };
            let stage = guard.stages.entry(name).or_insert_with(new);
            stage.seconds += began.elapsed().as_secs_f64();
            stage.processor_seconds += worked().saturating_sub(before).as_secs_f64();
        }
        drop(guard);
        self.to.end();
    }
}

/// Processor time of this process over all threads; zero if the system does not report it.
fn worked() -> Duration {
    ProcessTime::try_now().map_or(Duration::ZERO, |time| time.as_duration())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_of_the_same_name_add_up() {
        let timed = Timed::new(&Silent);
        for stage in ["short", "long", "short"] {
            timed.begin(stage, 1);
            let (began, before) = (Instant::now(), worked());
            let wanted = Duration::from_millis(if stage == "long" { 50 } else { 1 });
            while began.elapsed() < wanted || worked().saturating_sub(before) < wanted {}
            timed.end();
        }
        let stages = timed.stages();
        assert!(stages.windows(2).all(|pair| pair[0].seconds >= pair[1].seconds), "the longest first: {stages:?}");
        let of = |name: &str| stages.iter().find(|stage| stage.name == name).unwrap();
        // A busy machine can make the short stages longer than the long one.
        let (long, short) = (of("long"), of("short"));
        assert!(stages.len() == 2 && long.seconds >= 0.05 && short.seconds >= 0.002, "{stages:?}");
        assert!(long.processor_seconds >= 0.05 && short.processor_seconds >= 0.002, "{stages:?}");
    }
}
