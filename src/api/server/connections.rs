use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch::Receiver;
use tower::Service;

use super::admission::{self, Admission};
use super::connection_slots::{ConnectionSlots, Slot};
use super::drain_body;
use super::timeouts::{Observed, Timeouts, Traffic, with_timeouts};
use super::tls::Certificates;
use super::unsent::{self, Unsent};
use super::until;
use crate::api::audit::REQUEST_ID;
use crate::api::observe::Arrived;
use crate::api::problem::Problem;
use crate::metrics;

/// Interval of HTTP/2 keep-alive pings, and the time-out for their acknowledgement.
const STILL_THERE: Duration = Duration::from_secs(20);
/// Pause after a failed accept, for example when file descriptors have run out.
const PAUSE: Duration = Duration::from_millis(50);
/// Maximum size of a request's headers in bytes.
const LARGEST_HEADERS: usize = 32 << 10;
/// Maximum number of concurrent requests on an HTTP/2 connection.
const STREAMS: u32 = 100;

/// A listening address with its limits.
pub(super) struct Listener {
    pub(super) listener: TcpListener,
    pub(super) certificates: Option<Arc<Certificates>>,
    /// Maximum number of open connections.
    pub(super) connections: usize,
    /// Time-outs of established connections.
    pub(super) timeouts: Timeouts,
    /// Time-out for the first byte, for the TLS handshake, and for the unread rest of a request body.
    pub(super) handshake_timeout: Duration,
    /// Time-out for requests in flight when connections are closed.
    pub(super) drain: Duration,
    /// Delay from the stop signal until connections are closed. Meanwhile every answer tells its client to reconnect,
    /// so that in the end only idle connections are closed.
    pub(super) leaving: Duration,
}

impl Listener {
    /// Serves until the process is told to stop, then finishes requests in flight within `drain`.
    pub(super) async fn serve(self, router: Router, admission: Option<Arc<Admission>>, stopping: Receiver<bool>) {
        let (graceful, slots) = (GracefulShutdown::new(), Arc::new(ConnectionSlots::new(self.connections)));
        let left = left(stopping.clone(), self.leaving);
        tokio::pin!(left);
        if admission.is_some() {
            metrics::connections_limit(self.connections);
        }
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut left => break,
            };
            let (stream, address) = match accepted {
                Ok((stream, address)) => (stream, address.ip()),
                Err(error) => {
                    metrics::accept_failed();
                    tracing::error!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let Some(place) = slots.enter(address) else {
                metrics::connection_refused();
                continue;
            };
            let connection = Connection {
                router: router.clone(),
                admission: admission.clone(),
                stopping: stopping.clone(),
                leaving: self.leaving,
                timeouts: self.timeouts,
                handshake_timeout: self.handshake_timeout,
                traffic: Arc::default(),
                unsent: Arc::default(),
                place: Arc::new(place),
                _counted: Counted::new(admission.clone()),
            };
            tokio::spawn(connection.accept(stream, self.certificates.clone(), graceful.watcher()));
        }
        drop(self.listener);
        if tokio::time::timeout(self.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests were still in flight after {} seconds", self.drain.as_secs());
        }
    }
}

/// Completes `leaving` after the stop signal.
async fn left(stopping: Receiver<bool>, leaving: Duration) {
    until(stopping).await;
    tokio::time::sleep(leaving).await;
}

/// Counts a connection while it is open.
struct Counted {
    admission: Option<Arc<Admission>>,
}

impl Counted {
    fn new(admission: Option<Arc<Admission>>) -> Self {
        metrics::connection_opened();
        admission.iter().for_each(|admission| admission.connected());
        Self { admission }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::connection_closed();
        self.admission.iter().for_each(|admission| admission.disconnected());
    }
}

/// A connection with everything that its requests need.
struct Connection {
    router: Router,
    admission: Option<Arc<Admission>>,
    stopping: Receiver<bool>,
    leaving: Duration,
    timeouts: Timeouts,
    handshake_timeout: Duration,
    traffic: Arc<Traffic>,
    unsent: Arc<Unsent>,
    place: Arc<Slot>,
    _counted: Counted,
}

impl Connection {
    async fn accept(
        self,
        stream: TcpStream,
        certificates: Option<Arc<Certificates>>,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        // Small answers must not wait for more data (Nagle's algorithm).
        let _ = stream.set_nodelay(true);
        // hyper detects the HTTP version without a time-out and regardless of shutdown, so the first bytes are awaited
        // here.
        let mut first = [0; 3];
        let spoke = tokio::select! {
            peeked = tokio::time::timeout(self.handshake_timeout, stream.peek(&mut first)) => matches!(peeked, Ok(Ok(1..))),
            () = self.place.lost() => false,
            () = left(self.stopping.clone(), self.leaving) => false,
        };
        if !spoke {
            return;
        }
        let stream = Observed::new(stream, self.traffic.clone());
        match certificates {
            // The HTTP/2 preface begins with `PRI`, as no HTTP/1.1 method does.
            None => self.serve(stream, watcher, first == *b"PRI").await,
            Some(certificates) => {
                let handshake = tokio::time::timeout(self.handshake_timeout, certificates.acceptor().accept(stream));
                let shaken = tokio::select! {
                    shaken = handshake => shaken,
                    () = self.place.lost() => return,
                };
                if let Ok(Ok(stream)) = shaken {
                    let shared = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    Box::pin(self.serve(stream, watcher, shared)).await;
                }
            }
        }
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        watcher: hyper_util::server::graceful::Watcher,
        shared: bool,
    ) {
        if shared {
            self.traffic.share();
        }
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().max_buf_size(LARGEST_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(STILL_THERE)
            .keep_alive_timeout(STILL_THERE)
            .max_header_list_size(LARGEST_HEADERS as u32)
            .max_concurrent_streams(STREAMS);
        let answer = hyper::service::service_fn(|request| self.answer(request));
        let connection = builder.serve_connection(TokioIo::new(stream), answer);
        // An error means that the client has gone; there is nothing left to do.
        if !shared {
            return self.with_timeouts(watcher.watch(connection)).await;
        }
        // An HTTP/2 client gets GOAWAY at once, and its open streams are finished: it loses no request. The watcher
        // only makes the process wait for the connection.
        let stopping = self.stopping.clone();
        let connection = async {
            let _watched = watcher;
            tokio::pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => return,
                () = until(stopping) => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        };
        self.with_timeouts(connection).await;
    }

    /// Runs a connection until it ends, times out or is evicted.
    async fn with_timeouts(&self, connection: impl Future) {
        tokio::select! {
            () = with_timeouts(&self.traffic, &self.unsent, self.timeouts, connection) => {}
            () = self.place.lost() => {}
        }
    }

    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
        let (one, stopping) = (request.version() < Version::HTTP_2, self.stopping.clone());
        let (admission, mut router) = (self.admission.clone(), self.router.clone());
        if !one {
            self.traffic.share();
        }
        let answering = self.traffic.understood();
        let timeouts = self.handshake_timeout;
        let (place, traffic, unsent) = (self.place.clone(), self.traffic.clone(), self.unsent.clone());
        async move {
            let requires_key = requires_key(request.uri().path());
            let _answering = answering;
            // An HTTP/2 stream is reset on its own, so the rest of its body need not be read.
            let (mut request, rest) = if one { drain_body::shared(request) } else { (request.map(Body::new), None) };
            let answer = async {
                let Some(admission) = admission else { return router.call(request).await };
                let cart = request.method() == Method::POST && request.uri().path().ends_with("/bought-together");
                let question = cart || request.method() == Method::GET;
                let questions = if question { admission::questions(&request) } else { 1 };
                match admission.enter(request.uri().path(), !one, questions) {
                    None => Ok(admission::refusal(request.headers())),
                    Some(turn) => {
                        if turn.waits() {
                            request.extensions_mut().insert(Arrived(Instant::now()));
                        }
                        let began = turn.begin().await;
                        let response = router.call(request).await;
                        if question {
                            admission.answered(began.elapsed(), questions);
                        }
                        response
                    }
                }
            };
            let mut response = answer.await?;
            // A success on these paths proves the key, or that none is needed.
            if requires_key && response.status().is_success() {
                place.keep();
                traffic.keep();
            }
            let read = match rest {
                // A client that has been too slow is not waited for again.
                Some(_) if response.status() == StatusCode::REQUEST_TIMEOUT => false,
                Some(rest) => rest.read(timeouts).await,
                None => true,
            };
            if one && (*stopping.borrow() || !read) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            let (parts, body) = response.into_parts();
            Ok(match unsent::watched(body, &unsent, one) {
                Some(body) => Response::from_parts(parts, body),
                None => too_much(&parts.headers),
            })
        }
    }
}

/// Whether a path requires a key, where there are keys.
fn requires_key(path: &str) -> bool {
    path.starts_with("/v1/") || path == "/metrics"
}

/// Replaces an answer that would exceed the limits on unread bytes.
fn too_much(answered: &HeaderMap) -> Response<Body> {
    let detail = "too much of what was answered is not taken yet: read it, or ask for less at a time";
    let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
    for name in [REQUEST_ID, CONNECTION] {
        if let Some(value) = answered.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}
