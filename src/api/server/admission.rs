//! Admission control: requests beyond capacity get 503 immediately. A burst is not beyond capacity.
//!
//! Answers wait for nothing but the processor, so a limit on requests in flight would never be reached. Instead, a
//! request that has been read yields to the other tasks that are ready, and counts as waiting until it runs again. The
//! expected wait is the number of waiting requests times the mean answer time, divided by the number of processors.
//! None of this is done while one request from each connection could not form a queue.
//!
//! A queue that comes and goes is a burst, and may be as long as a caller can wait. A standing queue is overload:
//! waiting in it gains nothing. A queue that was not short for [`INTERVAL`] is standing until it has been short for as
//! long; meanwhile only requests with an expected wait of at most [`TARGET`] are admitted. This is controlled delay
//! (Nichols and Jacobson 2012) in the form of Maurer, "Fail at Scale" (ACM Queue 2015), but by the expected wait
//! instead of the measured one, so that a refusal costs no wait.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::Response;

use crate::api::audit::{REQUEST_ID, request_id};
use crate::api::problem::Problem;
use crate::metrics;

/// Each answer time has a weight of 1 / `MEMORY` in the moving average.
const MEMORY: u64 = 64;

/// Maximum answer time that enters the mean. Slower answers, such as audiences, run on other threads and do not delay
/// this queue.
const LONGEST: Duration = Duration::from_millis(5);

/// Requests per processor that may always wait: if they are late, the processor was busy elsewhere.
const FEW: u64 = 64;

/// Maximum expected wait of a request that is admitted while the queue is standing.
const TARGET: Duration = Duration::from_millis(5);

/// The queue is short if a new request is expected to wait at most this long.
const SHORT: Duration = Duration::from_micros(1250);

/// A queue that was not short for this long is standing, until it has been short for this long.
const INTERVAL: Duration = Duration::from_millis(50);

/// The number of waiting requests and the mean answer time.
#[derive(Debug)]
pub(super) struct Admission {
    connections: AtomicUsize,
    waiting: AtomicUsize,
    /// Mean answer time in nanoseconds.
    mean: AtomicU64,
    processors: u64,
    /// Maximum expected wait; 0 for no limit.
    limit: Duration,
    /// When the queue was last short, and when it was last not short, in nanoseconds since `started`.
    short: AtomicU64,
    long: AtomicU64,
    /// Whether the queue is standing.
    stands: AtomicBool,
    started: Instant,
}

/// A waiting request with its cost, or `None` if it need not wait.
pub(super) struct Permit(Option<(Arc<Admission>, usize)>);

/// Bytes of query and body that increase the cost of a request by 1.
const BYTES_PER_COST: usize = 512;

/// The cost of a request by its length; 1 for a short one.
pub(super) fn questions<B: hyper::body::Body>(request: &Request<B>) -> usize {
    let said = |headers: &HeaderMap| headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<usize>().ok();
    let unsaid = if request.body().is_end_stream() { 0 } else { ASSUMED_LENGTH };
    let query = request.uri().query().map_or(0, str::len);
    1 + said(request.headers()).unwrap_or(unsaid).saturating_add(query) / BYTES_PER_COST
}

/// Assumed size in bytes of a body without `Content-Length`.
const ASSUMED_LENGTH: usize = 64 << 10;

impl Admission {
    /// Refuses requests with an expected wait above `limit`; 0 refuses none.
    pub(super) fn new(limit: Duration) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, |processors| processors.get() as u64);
        Self {
            connections: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            mean: AtomicU64::new(0),
            processors,
            limit,
            short: AtomicU64::new(0),
            long: AtomicU64::new(0),
            stands: AtomicBool::new(false),
            started: Instant::now(),
        }
    }

    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Expected wait of the last of this many waiting requests.
    fn wait(&self, questions: u64) -> Duration {
        Duration::from_nanos(questions * self.mean.load(Ordering::Relaxed) / self.processors)
    }

    /// Whether a queue can form.
    fn may_be_long(&self, shared: bool) -> bool {
        let connections = self.connections.load(Ordering::Relaxed) as u64;
        let few = connections <= FEW * self.processors;
        !self.limit.is_zero() && (shared || (!few && self.wait(connections) > TARGET.min(self.limit)))
    }

    /// Maximum wait of a request whose expected wait is `wait`, at `now` since the start. Updates whether the queue is
    /// standing.
    fn may_wait(&self, wait: Duration, now: Duration) -> Duration {
        let is_short = wait <= SHORT;
        let (this, other) = if is_short { (&self.short, &self.long) } else { (&self.long, &self.short) };
        this.store(now.as_nanos() as u64, Ordering::Relaxed);
        if now.saturating_sub(Duration::from_nanos(other.load(Ordering::Relaxed))) > INTERVAL {
            self.stands.store(!is_short, Ordering::Relaxed);
        }
        if self.stands.load(Ordering::Relaxed) { TARGET.min(self.limit) } else { self.limit }
    }

    /// Admits a request; `None` if it would wait too long. Only requests for `/v1/` are refused, never health.
    /// `shared`: the connection carries several requests at a time.
    pub(super) fn enter(self: &Arc<Self>, path: &str, shared: bool, questions: usize) -> Option<Permit> {
        if !self.may_be_long(shared) {
            return Some(Permit(None));
        }
        let ahead = self.waiting.fetch_add(questions, Ordering::Relaxed) as u64;
        let turn = Permit(Some((self.clone(), questions)));
        let (few, wait) = (ahead < FEW * self.processors, self.wait(ahead));
        if wait > self.may_wait(wait, self.started.elapsed()) && !few && path.starts_with("/v1/") {
            metrics::request_shed();
            return None;
        }
        Some(turn)
    }

    /// Records how long a request of this cost took.
    pub(super) fn answered(&self, took: Duration, questions: usize) {
        let took = took / u32::try_from(questions).unwrap_or(u32::MAX).max(1);
        // Two threads at once may lose a sample, which a mean tolerates.
        let (mean, took) = (self.mean.load(Ordering::Relaxed), took.min(LONGEST).as_nanos() as u64);
        self.mean.store(mean - mean / MEMORY + took / MEMORY, Ordering::Relaxed);
    }
}

/// A problem as any other, but serialised in advance: under overload, serialising would take most of the time. The
/// request ID is in the header only.
pub(super) fn refusal(asked: &HeaderMap) -> Response {
    static BODY: LazyLock<Bytes> = LazyLock::new(|| {
        let detail = "more is asked than can be answered in time: try again in a moment";
        Bytes::from(serde_json::to_vec(&Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)).unwrap_or_default())
    });
    let mut response = Response::new(Body::from(BODY.clone()));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    headers.insert(REQUEST_ID, request_id(asked));
    response
}

impl Permit {
    /// Whether the request has to wait.
    pub(super) fn waits(&self) -> bool {
        self.0.is_some()
    }

    /// Yields to the requests that are ready to be read, if it has to wait. Returns the time at which its processing
    /// begins.
    pub(super) async fn begin(self) -> Instant {
        if self.0.is_some() {
            tokio::task::yield_now().await;
        }
        Instant::now()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let left = self.0.iter();
        left.for_each(|(admission, questions)| _ = admission.waiting.fetch_sub(*questions, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures_util::FutureExt;

    /// With a mean answer time of 40 µs.
    fn admission(limit: u64, processors: u64) -> Arc<Admission> {
        let admission = Admission { processors, ..Admission::new(Duration::from_micros(limit)) };
        (0..1000).for_each(|_| admission.answered(Duration::from_micros(40), 1));
        Arc::new(admission)
    }

    #[tokio::test]
    async fn a_burst_waits_and_what_would_wait_too_long_is_refused() {
        // 40 µs each on one processor: 1,250 of them take 50 ms.
        let admission = admission(50_000, 1);
        let turns: Vec<Permit> =
            (0..1_251).map(|_| admission.enter("/v1/markets", true, 1).expect("not yet")).collect();
        assert!(admission.enter("/v1/markets", true, 1).is_none(), "it would wait for more than 50 ms");
        assert!(admission.enter("/health/live", true, 1).is_some(), "health is always answered");
        drop(turns);
        assert_eq!(admission.waiting.load(Ordering::Relaxed), 0, "all are counted off");
        let turn = admission.enter("/v1/markets", true, 1).expect("nobody is ahead");
        assert!(turn.begin().now_or_never().is_none(), "it steps back");
        (0..125).for_each(|_| admission.connected());
        let turn = admission.enter("/v1/markets", false, 1).expect("so many connections are few");
        assert!(turn.begin().now_or_never().is_some(), "it need not");
        admission.connected();
        let turn = admission.enter("/v1/markets", false, 1).expect("nobody is ahead");
        assert!(turn.begin().now_or_never().is_none(), "126 together take more than 5 ms");
    }

    #[test]
    fn a_queue_that_stands_is_cut_to_the_target_until_it_was_short_again() {
        let (admission, ms) = (admission(50_000, 1), Duration::from_millis);
        let told = |wait: u64, now: u64| admission.may_wait(ms(wait), ms(now));
        for (wait, now) in [(0, 1_000), (49, 1_001), (49, 1_025), (49, 1_050)] {
            assert_eq!(told(wait, now), ms(50), "a burst");
        }
        for (wait, now) in [(49, 1_051), (4, 1_060), (2, 1_070), (1, 1_080), (3, 1_100), (1, 1_101), (1, 1_150)] {
            assert_eq!(told(wait, now), TARGET, "it stands, and to be short for a moment is not enough");
        }
        assert_eq!(told(1, 1_151), ms(50), "it was short for as long");
        assert_eq!(told(40, 1_190), ms(50), "and the next burst may wait");
        let strict = self::admission(2_000, 1);
        assert_eq!([strict.may_wait(ms(2), ms(10)), strict.may_wait(ms(2), ms(500))], [ms(2), ms(2)], "never longer");
    }

    #[test]
    fn what_is_long_counts_for_more() {
        let of = |length: &str, query: &str| {
            let request = Request::post(format!("/v1/markets/de/bought-together?{query}"));
            questions(&request.header(header::CONTENT_LENGTH, length).body(Body::from("x")).unwrap())
        };
        assert_eq!([of("20", "limit=6"), of("1024", ""), of("0", &"x".repeat(512)), of("x", "")], [1, 3, 2, 129]);
        assert_eq!(questions(&Request::get("/v1/markets").body(Body::empty()).unwrap()), 1);
        let admission = admission(50_000, 1);
        let turns: Vec<Permit> = (0..126).map(|_| admission.enter("/v1/markets", true, 10).expect("not yet")).collect();
        assert!(admission.enter("/v1/markets", true, 1).is_none(), "they count for 1,260");
        admission.answered(Duration::from_micros(400), 10);
        assert_eq!(admission.wait(1_000), Duration::from_millis(40), "and take as long");
        drop(turns);
        assert_eq!(admission.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_refusal_bears_the_requests_name() {
        let asked = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static("page-7"))]);
        let refused = refusal(&asked);
        assert_eq!((refused.status().as_u16(), &refused.headers()[REQUEST_ID]), (503, &asked[REQUEST_ID]));
        assert!(refusal(&HeaderMap::new()).headers().contains_key(REQUEST_ID));
    }

    #[test]
    fn few_may_always_wait_however_slow_the_machine_is() {
        let admission = Admission { processors: 2, ..Admission::new(Duration::from_millis(50)) };
        (0..1000).for_each(|_| admission.answered(Duration::from_millis(5), 1));
        let admission = Arc::new(admission);
        (0..128).for_each(|_| admission.connected());
        assert!(!admission.may_be_long(false), "128 connections of two processors");
        let turns: Vec<Permit> = (0..128).map(|_| admission.enter("/v1/markets", true, 1).expect("few")).collect();
        assert!(admission.enter("/v1/markets", true, 1).is_none());
        drop(turns);
        admission.connected();
        assert!(admission.may_be_long(false) && admission.may_be_long(true));
        let unlimited = Admission::new(Duration::ZERO);
        unlimited.connected();
        unlimited.answered(Duration::from_secs(1), 1);
        assert!(!unlimited.may_be_long(true), "nothing is refused");
    }
}
