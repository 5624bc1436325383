//! Beyond capacity, answer 503 at once rather than late; and a burst is not beyond capacity.
//!
//! Answers are pure computation: they never wait for anything but the processor, so a limit on requests in flight would
//! never be reached. Therefore a request that was read first steps back behind all others that are ready to be read, and
//! is counted until its turn comes. How many are waiting, times what an answer takes, is how long the next would wait.
//! All that is spared while there are so few connections that a question of each could not make a queue.
//!
//! A queue that comes and goes is a burst, and may be as long as a caller can wait. One that stands is overload: whoever
//! waits in it gains nothing by its length. So once it has not been short for [`INTERVAL`], and until it was for as long, only
//! what would wait no longer than [`TARGET`] is taken: controlled delay (Nichols and Jacobson 2012) in the form of Maurer,
//! "Fail at Scale" (ACM Queue 2015), by the wait that is expected instead of the one that was had, so that a refusal costs no
//! wait.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::Response;

use crate::api::audit::{REQUEST_ID, request_id};
use crate::api::problem::Problem;
use crate::metrics;

/// The mean follows the last so many answers.
const MEMORY: u64 = 64;

/// What takes longer, such as an audience, waits for another thread, and holds up nobody here.
const LONGEST: Duration = Duration::from_millis(5);

/// So many for each processor may always wait: if they are late, it is because the processor was busy elsewhere.
const FEW: u64 = 64;

/// What is taken while the queue stands waits no longer than this.
const TARGET: Duration = Duration::from_millis(5);

/// A queue is short if what comes waits no longer than this.
const SHORT: Duration = Duration::from_micros(1250);

/// A queue stands that was not short for so long, and until it was nothing else for as long.
const INTERVAL: Duration = Duration::from_millis(50);

/// Who is waiting, and how long an answer takes.
#[derive(Debug)]
pub(super) struct Admission {
    connections: AtomicUsize,
    waiting: AtomicUsize,
    /// The mean time of an answer, in nanoseconds.
    mean: AtomicU64,
    processors: u64,
    /// A question may wait so long.
    limit: Duration,
    /// When the queue was last short, and when it was last not, in nanoseconds from `started`.
    short: AtomicU64,
    long: AtomicU64,
    /// Whether it stands.
    stands: AtomicBool,
    started: Instant,
}

/// A request that waits for its turn; nothing, if it need not. With how many questions it counts for.
pub(super) struct Permit(Option<(Arc<Admission>, usize)>);

/// Bytes of a query or a body that count as one question more.
const ONE_MORE: usize = 512;

/// For how many questions one counts, by its length.
pub(super) fn questions<B: hyper::body::Body>(request: &Request<B>) -> usize {
    let said = |headers: &HeaderMap| headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<usize>().ok();
    let unsaid = if request.body().is_end_stream() { 0 } else { UNSAID };
    let query = request.uri().query().map_or(0, str::len);
    1 + said(request.headers()).unwrap_or(unsaid).saturating_add(query) / ONE_MORE
}

/// A body that says nothing of its length counts as one of so many bytes.
const UNSAID: usize = 64 << 10;

impl Admission {
    /// Refuses what would wait longer than `limit`; 0 refuses nothing.
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

    /// A connection has been opened.
    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection has been closed.
    pub(super) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// How long the last of so many questions would wait.
    fn wait(&self, questions: u64) -> Duration {
        Duration::from_nanos(questions * self.mean.load(Ordering::Relaxed) / self.processors)
    }

    /// Whether there could be a queue.
    fn may_be_long(&self, shared: bool) -> bool {
        let connections = self.connections.load(Ordering::Relaxed) as u64;
        let few = connections <= FEW * self.processors;
        !self.limit.is_zero() && (shared || (!few && self.wait(connections) > TARGET.min(self.limit)))
    }

    /// How long a question may wait that would wait so long now, at a time since the start.
    fn may_wait(&self, wait: Duration, now: Duration) -> Duration {
        let is_short = wait <= SHORT;
        let (this, other) = if is_short { (&self.short, &self.long) } else { (&self.long, &self.short) };
        this.store(now.as_nanos() as u64, Ordering::Relaxed);
        if now.saturating_sub(Duration::from_nanos(other.load(Ordering::Relaxed))) > INTERVAL {
            self.stands.store(!is_short, Ordering::Relaxed);
        }
        if self.stands.load(Ordering::Relaxed) { TARGET.min(self.limit) } else { self.limit }
    }

    /// A turn; `None` for a question that would wait too long. Health is always answered. `shared` if the connection has
    /// several requests at a time.
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

    /// What counts for so many questions was answered in this time.
    pub(super) fn answered(&self, took: Duration, questions: usize) {
        let took = took / u32::try_from(questions).unwrap_or(u32::MAX).max(1);
        // Two threads at once may lose one of their times: it is a mean all the same.
        let (mean, took) = (self.mean.load(Ordering::Relaxed), took.min(LONGEST).as_nanos() as u64);
        self.mean.store(mean - mean / MEMORY + took / MEMORY, Ordering::Relaxed);
    }
}

/// A problem as any other, but written beforehand: under overload most of the time would go into writing it. The request's
/// name stands in the header alone.
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
    /// Whether it waits for others.
    pub(super) fn waits(&self) -> bool {
        self.0.is_some()
    }

    /// Steps back behind what is ready to be read, if that may be much, then begins.
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

    /// With answers that take 40 µs.
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
