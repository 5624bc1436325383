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
use super::connection_slots::{ConnectionSlots, Place};
use super::rest;
use super::timeouts::{Observed, Timeouts, Traffic, with_timeouts};
use super::tls::Certificates;
use super::unsent::{self, Unsent};
use super::until;
use crate::api::audit::REQUEST_ID;
use crate::api::observe::Arrived;
use crate::api::problem::Problem;
use crate::metrics;

/// Connections of HTTP/2 are asked so often whether somebody is still there, who has as long to say so.
const STILL_THERE: Duration = Duration::from_secs(20);
/// After a connection could not be accepted, because files have run out for example.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes of the headers of a request.
const LARGEST_HEADERS: usize = 32 << 10;
/// Requests at a time on one connection of HTTP/2.
const STREAMS: u32 = 100;

/// An address that takes connections.
pub(super) struct Listener {
    pub(super) listener: TcpListener,
    pub(super) certificates: Option<Arc<Certificates>>,
    /// At a time; whoever comes when there are so many is turned away.
    pub(super) connections: usize,
    /// With clients.
    pub(super) timeouts: Timeouts,
    /// To the first byte, and for the handshake.
    pub(super) greeting: Duration,
    /// What is in flight when connections are closed has this long to finish.
    pub(super) drain: Duration,
    /// From the signal to stop until connections are closed. Meanwhile every answer asks its client to come back on
    /// another connection, so that in the end only idle ones are closed.
    pub(super) leaving: Duration,
}

impl Listener {
    /// Answers until the process is told to stop; then finishes what is in flight, within `drain`.
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
                greeting: self.greeting,
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

/// Returns when the process has been told to stop and its clients have had the time to leave.
async fn left(stopping: Receiver<bool>, leaving: Duration) {
    until(stopping).await;
    tokio::time::sleep(leaving).await;
}

/// Counts a connection as long as it is there.
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

/// A connection, and what its requests are answered with.
struct Connection {
    router: Router,
    admission: Option<Arc<Admission>>,
    stopping: Receiver<bool>,
    leaving: Duration,
    timeouts: Timeouts,
    greeting: Duration,
    traffic: Arc<Traffic>,
    unsent: Arc<Unsent>,
    place: Arc<Place>,
    _counted: Counted,
}

impl Connection {
    async fn accept(
        self,
        stream: TcpStream,
        certificates: Option<Arc<Certificates>>,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        // Small answers must not wait for more.
        let _ = stream.set_nodelay(true);
        // Which version it speaks is waited for without a bound, and without being told to stop.
        let mut first = [0; 3];
        let spoke = tokio::select! {
            peeked = tokio::time::timeout(self.greeting, stream.peek(&mut first)) => matches!(peeked, Ok(Ok(1..))),
            () = self.place.lost() => false,
            () = left(self.stopping.clone(), self.leaving) => false,
        };
        if !spoke {
            return;
        }
        let stream = Observed::new(stream, self.traffic.clone());
        match certificates {
            // HTTP/2 begins with `PRI * HTTP/2.0`, and no method does.
            None => self.serve(stream, watcher, first == *b"PRI").await,
            Some(certificates) => {
                let handshake = tokio::time::timeout(self.greeting, certificates.acceptor().accept(stream));
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
        // It ends with an error when the client does: nothing that anybody could do about.
        if !shared {
            return self.with_timeouts(watcher.watch(connection)).await;
        }
        // HTTP/2 is told at once that no new request is taken (GOAWAY), and finishes those that it has: its client loses none.
        // Only the end of the process waits for the watcher.
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

    /// Until the conversation ends, patience does, or the place is given to somebody else.
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
        let timeouts = self.greeting;
        let (place, traffic, unsent) = (self.place.clone(), self.traffic.clone(), self.unsent.clone());
        async move {
            let shows_key = shows_key(request.uri().path());
            let _answering = answering;
            // Of HTTP/2 a stream is reset by itself.
            let (mut request, rest) = if one { rest::shared(request) } else { (request.map(Body::new), None) };
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
            if shows_key && response.status().is_success() {
                place.keep();
                traffic.keep();
            }
            let read = match rest {
                // Who has taken too long is not waited for any longer.
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

/// Whether a path is answered to those alone who have the key for it.
fn shows_key(path: &str) -> bool {
    path.starts_with("/v1/") || path == "/metrics"
}

/// In place of an answer for which there is no room, because those before it are not taken.
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
