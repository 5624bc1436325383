//! Who may ask what. A key is 244 random bits; the config holds its hash, so that a key that is read there opens nothing.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tower::{Layer, Service};

use super::audit::Who;
use super::problem::Problem;
use crate::config::{KeyConfig, Scope};
use crate::metrics;

/// The keys that open the API. Without any, everything is open: then only this machine can reach it.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    /// For the log.
    name: Arc<str>,
    hash: blake3::Hash,
    scopes: Vec<Scope>,
    limit: Option<DefaultDirectRateLimiter>,
}

impl Keys {
    /// Reads the hashes.
    ///
    /// # Errors
    /// In words: a hash that is none.
    pub fn new(config: &[KeyConfig]) -> Result<Self, String> {
        let key = |(number, key): (usize, &KeyConfig)| {
            let hash = blake3::Hash::from_hex(&key.hash).map_err(|_| {
                format!("server.keys[{number}].hash is no hash: `trolley key` makes a key and its hash")
            })?;
            let limit = key.per_second.map(|most| RateLimiter::direct(Quota::per_second(most)));
            let name = key.name.clone().unwrap_or_else(|| hash.to_hex()[..8].to_owned());
            Ok(Key { name: name.into(), hash, scopes: key.scopes.clone(), limit })
        };
        config.iter().enumerate().map(key).collect::<Result<_, String>>().map(Self)
    }

    /// The key that was sent; `None` where there are none.
    fn check(&self, headers: &HeaderMap, scope: Scope) -> Result<Option<&Key>, Problem> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let Some(sent) = sent else {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "send a key: `Authorization: Bearer <key>`"));
        };
        let hash = blake3::hash(sent.trim().as_bytes());
        // All are compared, each in constant time: how long it takes says nothing about a key.
        let mut found: Option<&Key> = None;
        for key in &self.0 {
            if key.hash == hash {
                found = Some(key);
            }
        }
        let Some(key) = found else {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "this key is not known"));
        };
        if !key.scopes.contains(&scope) {
            return Err(Problem::new(StatusCode::FORBIDDEN, format!("this key has no scope `{}`", scope.name())));
        }
        if key.limit.as_ref().is_some_and(|limit| limit.check().is_err()) {
            metrics::request_limited();
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "this key may not ask so often"));
        }
        Ok(Some(key))
    }
}

/// Lets a request pass whose key has the scope.
#[derive(Clone, Debug)]
pub(super) struct Require(pub(super) Arc<Keys>, pub(super) Scope);

#[derive(Clone, Debug)]
pub(super) struct Required<S> {
    require: Require,
    inner: S,
}

impl<S> Layer<S> for Require {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        Required { require: self.clone(), inner }
    }
}

impl<S> Service<Request> for Required<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let Require(keys, scope) = &self.require;
        match keys.check(request.headers(), *scope) {
            Ok(key) => {
                // Of changes it is written down who made them.
                if let Some(key) = key.filter(|_| request.method() != Method::GET) {
                    request.extensions_mut().insert(Who(key.name.clone()));
                }
                Either::Right(self.inner.call(request))
            }
            Err(problem) => Either::Left(ready(Ok(problem.into_response()))),
        }
    }
}
