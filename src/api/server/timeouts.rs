//! Limits how long a client may hold a connection without progress: silent, in the middle of a request, or not reading.
//!
//! Progress is checked every few seconds, which costs an answer nothing. Timers that are reset at each read, write and
//! request took as many instructions as a third of a cached answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;

use super::unsent::Unsent;

/// Interval between checks of a connection.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Time-outs, as numbers of checks without progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For a client that sends nothing. Longer than any answer takes, since a client waits for it in silence.
    idle: u32,
    /// From the first byte of a request to the end of its headers. The first check may come right after that byte.
    partial_request: u32,
    /// For a client that reads nothing of its answer.
    not_reading: u32,
    /// Until a client has read all of an answer.
    answer: Duration,
}

/// For an unauthenticated client between two requests, which may have come for health alone.
const UNAUTHENTICATED_IDLE_CHECKS: u32 = 2;

impl Timeouts {
    /// From the time-outs of idle connections, of clients and of requests.
    pub(super) fn new(idle: Duration, client: Duration, request: Duration) -> Self {
        let looks =
            |time: Duration| u32::try_from(time.as_secs().div_ceil(CHECK_INTERVAL.as_secs())).unwrap_or(u32::MAX);
        let client = looks(client).max(1);
        let answer = request + Duration::from_secs(u64::from(client) * CHECK_INTERVAL.as_secs());
        Self {
            idle: looks(idle.max(request)).max(1),
            partial_request: client.saturating_add(1),
            not_reading: client,
            answer,
        }
    }
}

/// Activity on a connection. The counters wrap around; they are only compared.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Completed reads.
    heard: AtomicU32,
    /// The value of `heard` when a request was last parsed or answered.
    understood: AtomicU32,
    /// Requests whose headers are complete.
    requests: AtomicU32,
    /// Those of them that are being answered.
    answering: AtomicU32,
    /// Whether the connection carries several requests at a time (HTTP/2), so that bytes may belong to none.
    shared: AtomicBool,
    /// Completed writes.
    taken: AtomicU32,
    /// Whether a write is pending.
    waits: AtomicBool,
    /// Whether the client has authenticated, where there are keys.
    known: AtomicBool,
}

impl Traffic {
    /// Counts a request whose headers are complete. It is being answered until the returned guard is dropped.
    pub(super) fn understood(self: &Arc<Self>) -> Answering {
        self.follow();
        self.requests.fetch_add(1, Relaxed);
        self.answering.fetch_add(1, Relaxed);
        Answering(self.clone())
    }

    /// Marks the client as authenticated.
    pub(super) fn keep(&self) {
        self.known.store(true, Relaxed);
    }

    /// Marks the connection as carrying several requests at a time.
    pub(super) fn share(&self) {
        self.shared.store(true, Relaxed);
    }

    /// Notes that all bytes so far belong to parsed requests.
    fn follow(&self) {
        self.understood.store(self.heard.load(Relaxed), Relaxed);
    }

    /// Records the outcome of a write.
    fn wrote<T>(&self, written: Poll<std::io::Result<T>>) -> Poll<std::io::Result<T>> {
        self.waits.store(written.is_pending(), Relaxed);
        if written.is_ready() {
            self.taken.fetch_add(1, Relaxed);
        }
        written
    }
}

pub(super) struct Answering(Arc<Traffic>);

impl Drop for Answering {
    fn drop(&mut self) {
        // Bytes that came after the headers belonged to the body.
        self.0.follow();
        self.0.answering.fetch_sub(1, Relaxed);
    }
}

/// The activity at the last check, and for how many checks in a row there has been no progress.
#[derive(Debug, Default)]
struct ProgressChecks {
    heard: u32,
    taken: u32,
    requests: u32,
    idle: u32,
    partial_request: u32,
    not_reading: u32,
}

impl ProgressChecks {
    /// Checks again; true if a time-out has expired.
    fn enough(&mut self, traffic: &Traffic, unsent: &Unsent, timeouts: Timeouts) -> bool {
        let (heard, taken) = (traffic.heard.load(Relaxed), traffic.taken.load(Relaxed));
        let (requests, shared) = (traffic.requests.load(Relaxed), traffic.shared.load(Relaxed));
        let asks = heard != traffic.understood.load(Relaxed) && !shared;
        let between = traffic.answering.load(Relaxed) == 0 && requests == self.requests;
        let is_stranger = !traffic.known.load(Relaxed) && requests > 0;
        let count = |looks: &mut u32, stands_still: bool| *looks = if stands_still { *looks + 1 } else { 0 };
        // On a shared connection, bytes may be HTTP/2 keep-alive frames instead of requests.
        count(&mut self.idle, if shared || is_stranger { between } else { heard == self.heard });
        count(&mut self.partial_request, asks && between);
        count(&mut self.not_reading, traffic.waits.load(Relaxed) && taken == self.taken);
        (self.heard, self.taken, self.requests) = (heard, taken, requests);
        let idle = if is_stranger { UNAUTHENTICATED_IDLE_CHECKS.min(timeouts.idle) } else { timeouts.idle };
        self.idle >= idle
            || self.partial_request >= timeouts.partial_request
            || self.not_reading >= timeouts.not_reading
            || unsent.waits().is_some_and(|time| time > timeouts.answer)
    }
}

/// Runs a connection until it ends or times out.
pub(super) async fn with_timeouts(traffic: &Traffic, unsent: &Unsent, timeouts: Timeouts, connection: impl Future) {
    tokio::pin!(connection);
    let mut looks = ProgressChecks::default();
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
    // If this machine was paused, its clients were not idle: missed checks must not be made up in a burst.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = &mut connection => return,
            _ = ticks.tick() => if looks.enough(traffic, unsent, timeouts) { return },
        }
    }
}

/// A stream that records its activity.
pub(super) struct Observed {
    stream: TcpStream,
    traffic: Arc<Traffic>,
}

impl Observed {
    pub(super) fn new(stream: TcpStream, traffic: Arc<Traffic>) -> Self {
        Self { stream, traffic }
    }
}

impl AsyncRead for Observed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.traffic.heard.fetch_add(1, Relaxed);
        }
        read
    }
}

impl AsyncWrite for Observed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.traffic.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.traffic.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeouts() -> Timeouts {
        Timeouts::new(Duration::from_secs(75), Duration::from_secs(20), Duration::from_secs(30))
    }

    #[test]
    fn what_is_waited_for_in_silence_is_an_answer_too() {
        let of = |idle, client, request| {
            let Timeouts { idle, partial_request, not_reading, .. } = Timeouts::new(idle, client, request);
            [idle, partial_request, not_reading]
        };
        let s = Duration::from_secs;
        assert_eq!(of(s(75), s(20), s(30)), [15, 5, 4]);
        assert_eq!(of(s(1), s(1), s(300)), [60, 2, 1]);
        assert_eq!(of(s(3_601), s(21), s(30)), [721, 6, 5]);
    }

    /// Number of checks until a time-out if `between` happens before each; at most 1,000.
    fn looks(traffic: &Arc<Traffic>, between: impl Fn()) -> u32 {
        let mut looks = ProgressChecks::default();
        looks.enough(traffic, &Unsent::default(), timeouts());
        (1..1000)
            .find(|_| {
                between();
                looks.enough(traffic, &Unsent::default(), timeouts())
            })
            .unwrap_or(1000)
    }

    fn hears(traffic: &Traffic) {
        traffic.heard.fetch_add(1, Relaxed);
    }

    fn asks(traffic: &Arc<Traffic>) {
        hears(traffic);
        drop(traffic.understood());
    }

    #[test]
    fn a_client_may_be_idle_for_longer_than_it_may_take_to_ask() {
        let idle = Arc::new(Traffic::default());
        asks(&idle);
        assert_eq!(looks(&idle, || {}), 2, "a stranger");
        idle.keep();
        assert_eq!(looks(&idle, || {}), 15);
        assert_eq!(looks(&idle, || asks(&idle)), 1000, "it asks again and again");
        assert_eq!(looks(&idle, || hears(&idle)), 5, "what it sends never becomes a request");
        assert_eq!(looks(&idle, || {}), 5, "half a request, and nothing more");
    }

    #[test]
    fn bytes_that_belong_to_a_body_or_to_no_request_are_no_half_request() {
        let traffic = Arc::new(Traffic::default());
        traffic.keep();
        let body = traffic.understood();
        assert_eq!(looks(&traffic, || hears(&traffic)), 1000, "a body comes in");
        drop(body);
        assert_eq!(looks(&traffic, || {}), 15, "it came whole");
        let with_more = || {
            asks(&traffic);
            hears(&traffic);
        };
        assert_eq!(looks(&traffic, with_more), 1000, "bodies that nobody wanted, and one request after the other");
        traffic.share();
        assert_eq!(looks(&traffic, || hears(&traffic)), 15, "HTTP/2 says that it is still there, and asks nothing");
        assert_eq!(looks(&traffic, || asks(&traffic)), 1000);
    }

    #[test]
    fn whoever_takes_nothing_is_stuck_and_whoever_takes_a_little_is_not() {
        let traffic = Arc::new(Traffic::default());
        traffic.keep();
        let wrote = |taken: bool| drop(traffic.wrote(if taken { Poll::Ready(Ok(())) } else { Poll::Pending }));
        wrote(false);
        assert_eq!(looks(&traffic, || asks(&traffic)), 3, "it was stuck at the first look already");
        assert_eq!(
            looks(&traffic, || {
                asks(&traffic);
                wrote(true);
                wrote(false);
            }),
            1000
        );
    }
}
