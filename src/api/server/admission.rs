//! Beyond capacity, answer 503 at once rather than late.
//!
//! Answers are pure computation: they never wait, so a limit on requests in flight would never be reached. What grows
//! under overload is the queue of connections that are ready to be worked on. A task that goes round with this queue
//! sees how long a round takes; when it has not come round in time, what is behind it has waited as long, and is refused
//! until it does. A refusal costs a small part of an answer, so the queue is short again at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::api::problem::Problem;
use crate::metrics;

/// So many requests of a round are let in however late it is: a processor that was busy elsewhere is no queue.
const ALWAYS: u32 = 8;
/// Between rounds when there is nothing to do.
const REST: Duration = Duration::from_millis(1);

/// How late the service is.
#[derive(Debug)]
pub(super) struct Admission {
    epoch: Instant,
    /// When the round began, in microseconds from the epoch.
    began: AtomicU64,
    /// Requests that were let in since.
    admitted: AtomicU32,
    /// A round may take so long.
    limit: Duration,
}

impl Admission {
    /// Refuses what would wait longer than `limit`; 0 refuses nothing.
    pub(super) fn new(limit: Duration) -> Self {
        Self { epoch: Instant::now(), began: AtomicU64::new(0), admitted: AtomicU32::new(0), limit }
    }

    /// Goes round with the queue, for ever.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            self.begin(Duration::ZERO);
            let begun = Instant::now();
            tokio::task::yield_now().await;
            if begun.elapsed() < self.limit / 4 {
                self.begin(REST);
                tokio::time::sleep(REST).await;
            }
        }
    }

    fn begin(&self, later: Duration) {
        self.began.store((self.epoch.elapsed() + later).as_micros() as u64, Ordering::Relaxed);
        self.admitted.store(0, Ordering::Relaxed);
    }

    /// The answer to a question that comes too late in the round. Health is always answered.
    pub(super) fn refuse(&self, path: &str) -> Option<Problem> {
        if self.limit.is_zero() || !path.starts_with("/v1/") {
            return None;
        }
        let now = self.epoch.elapsed().as_micros() as u64;
        let late = now.saturating_sub(self.began.load(Ordering::Relaxed));
        if u128::from(late) > self.limit.as_micros() && self.admitted.load(Ordering::Relaxed) >= ALWAYS {
            metrics::request_shed();
            return Some(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "more is asked than can be answered in time: try again in a moment",
            ));
        }
        self.admitted.fetch_add(1, Ordering::Relaxed);
        None
    }
}
