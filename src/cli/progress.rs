use std::collections::HashSet;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trolley_training::Progress;

/// Shows the progress of long work on standard error: in a terminal a bar per stage, elsewhere a line for each new
/// stage and, from time to time, for a repeated one.
pub(super) struct Bars(Mutex<Shown>);

enum Shown {
    Nothing,
    Bar(ProgressBar),
    TextLines { began: Instant, last: Instant, known: HashSet<&'static str> },
}

/// Minimum time between the last line and one for a repeated stage.
const SILENCE: Duration = Duration::from_secs(10);

impl Bars {
    /// On standard error.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let lines = Shown::TextLines { began: now, last: now, known: HashSet::new() };
        Self(Mutex::new(if std::io::stderr().is_terminal() { Shown::Bar(ProgressBar::hidden()) } else { lines }))
    }

    /// Shows nothing: for a process whose output is printed when it has ended.
    pub(super) fn hidden() -> Self {
        Self(Mutex::new(Shown::Nothing))
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn begin(&self, stage: &'static str, total: u64) {
        match &mut *self.shown() {
            Shown::Nothing => {}
            Shown::Bar(current) => {
                let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
                if let Ok(style) = ProgressStyle::with_template("{msg:22} {bar:32} {pos}/{len} {elapsed}") {
                    bar.set_style(style);
                }
                bar.set_message(stage);
                bar.enable_steady_tick(Duration::from_millis(200));
                *current = bar;
            }
            Shown::TextLines { began, last, known } => {
                if known.insert(stage) || last.elapsed() > SILENCE {
                    *last = Instant::now();
                    eprintln!("{:6.1} s  {stage}", began.elapsed().as_secs_f64());
                }
            }
        }
    }

    fn advance(&self, by: u64) {
        if let Shown::Bar(bar) = &*self.shown() {
            bar.inc(by);
        }
    }

    fn end(&self) {
        if let Shown::Bar(bar) = &*self.shown() {
            if let Some(total) = bar.length() {
                bar.set_position(total);
            }
            bar.finish();
        }
    }
}
