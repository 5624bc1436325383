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

/// When a request arrived that has waited for its turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived(pub(super) Instant);

/// What all requests share: a bound in time, a panic contained, and counts and times by the route of this name.
///
/// A service of its own: a function as middleware would copy and box what is below it for each request.
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
    /// The requests of a route, by its path; none may take longer.
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
        // What is logged of a change bears the name of its request; of questions nothing is logged.
        let span = if *request.method() == Method::GET {
            Span::none()
        } else {
            tracing::info_span!("request", id = id.to_str().unwrap_or_default())
        };
        let answer = AssertUnwindSafe(self.inner.call(request).instrument(span)).catch_unwind();
        Box::pin(async move {
            let mut answer = pin!(answer);
            // Most answers are ready at once, and need no timer. One is large: in a box of its own it makes this one no larger.
            let answer = match (&mut answer).now_or_never() {
                Some(answer) => Ok(answer),
                None => Box::pin(tokio::time::timeout(longest, answer)).await,
            };
            let response = match answer {
                Ok(Ok(response)) => response?.into_response(),
                Ok(Err(_)) => {
                    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong on our side").into_response()
                }
                // Whoever takes too long to send a body is told so.
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

/// The answer with the name of its request: in a header, and if it is a problem in its body.
async fn named(mut response: Response, id: HeaderValue) -> Response {
    if !response.status().is_success() {
        response = problem::named(response, id.to_str().unwrap_or_default()).await;
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}
