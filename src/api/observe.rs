use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower::{Layer, Service};
use tracing::{Instrument, Span};

use super::audit::{REQUEST_ID, request_id};
use super::problem::{self, Problem};
use crate::metrics;

/// The arrival time of a request that was queued.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived(pub(super) Instant);

/// What all requests share: a time-out, panics answered with 500, and counts and durations by route.
///
/// A hand-written service: a function as middleware would clone and box the inner service for each request.
#[derive(Clone, Debug)]
pub(super) struct Observe {
    route: Arc<str>,
    longest: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Observed<S> {
    route: Arc<str>,
    longest: Duration,
    inner: S,
}

impl Observe {
    /// For the route of this path, with a time-out.
    pub(super) fn route(path: &str, longest: Duration) -> Self {
        Self { route: path.into(), longest }
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { route: self.route.clone(), longest: self.longest, inner }
    }
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request, Error = Infallible>,
    S::Response: IntoResponse + Send,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let started = request.extensions().get::<Arrived>().map_or_else(Instant::now, |arrived| arrived.0);
        let method = match *request.method() {
            Method::GET => "GET",
            Method::PUT => "PUT",
            Method::POST => "POST",
            _ => "other",
        };
        let (route, longest) = (self.route.clone(), self.longest);
        let id = request_id(request.headers());
        // The log lines of a change carry its request ID; GET requests are not logged.
        let span = if *request.method() == Method::GET {
            Span::none()
        } else {
            tracing::info_span!("request", id = id.to_str().unwrap_or_default())
        };
        let answer = AssertUnwindSafe(self.inner.call(request).instrument(span)).catch_unwind();
        Box::pin(async move {
            let mut answer = pin!(answer);
            // Most answers are ready at once and need no timer. A timer is large, so it is boxed to keep this future
            // small.
            let answer = match (&mut answer).now_or_never() {
                Some(answer) => Ok(answer),
                None => Box::pin(tokio::time::timeout(longest, answer)).await,
            };
            let response = match answer {
                Ok(Ok(response)) => response?.into_response(),
                Ok(Err(_)) => {
                    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong on our side").into_response()
                }
                // For example because the client sent its body too slowly.
                Err(_) => {
                    let detail = format!("the request took longer than {} seconds", longest.as_secs());
                    Problem::new(StatusCode::REQUEST_TIMEOUT, detail).into_response()
                }
            };
            metrics::request(method, &route, response.status().as_u16(), started.elapsed());
            Ok(named(response, id).await)
        })
    }
}

/// Adds the request ID to the headers, and to the body of a problem.
async fn named(mut response: Response, id: HeaderValue) -> Response {
    if !response.status().is_success() {
        response = problem::named(response, id.to_str().unwrap_or_default()).await;
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}
