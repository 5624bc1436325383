use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trolley_training::Progress;

/// Bars on standard error; nothing if that is not a terminal.
pub(super) struct Bars(Mutex<ProgressBar>);

impl Bars {
    pub(super) fn new() -> Self {
        Self(Mutex::new(ProgressBar::hidden()))
    }

    fn with(&self, f: impl FnOnce(&mut ProgressBar)) {
        f(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Progress for Bars {
    fn begin(&self, stage: &'static str, total: u64) {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg:22} {bar:32} {pos}/{len} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(stage);
        bar.enable_steady_tick(Duration::from_millis(200));
        self.with(|current| *current = bar);
    }

    fn advance(&self, by: u64) {
        self.with(|bar| bar.inc(by));
    }

    fn end(&self) {
        self.with(|bar| {
            if let Some(total) = bar.length() {
                bar.set_position(total);
            }
            bar.finish();
        });
    }
}
