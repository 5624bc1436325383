//! API keys and what they permit. A key has 244 random bits. The config holds only its hash, which opens nothing.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use hyper::body::Body as _;
use tower::{Layer, Service};
use trolley_model::Name;
use trolley_model::recommend::Tier;

use super::problem::Problem;
use super::quota::{AudienceLimit, EventQuota};
use crate::config::{KeyConfig, Scope};
use crate::live::Why;
use crate::metrics;

/// The API keys. Without any, the API is open, but only to this machine.
#[derive(Debug, Default)]
pub struct Keys {
    keys: Vec<Key>,
    /// Rate limit for unknown keys.
    guesses: Option<DefaultDirectRateLimiter>,
}

#[derive(Debug)]
struct Key {
    /// The name in the log.
    name: Arc<str>,
    hash: blake3::Hash,
    scopes: Vec<Scope>,
    /// The rate limiter, and its quota per second.
    limit: Option<(DefaultDirectRateLimiter, NonZeroU32)>,
    /// Restrictions to markets and on customer data, if there are any.
    bounds: Option<Arc<KeyRestrictions>>,
    /// Its concurrent audiences.
    share: AudienceLimit,
    /// Its daily quota of events.
    quota: EventQuota,
}

/// Maximum number of unknown keys per second, from all clients together: enough for a change of keys, too few for
/// guessing.
const GUESSES: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// Bytes of query and body that increase the cost of a request by 1.
const BYTES_PER_COST: u64 = 1 << 10;

/// Assumed size in bytes of a body without `Content-Length`.
const ASSUMED_LENGTH: u64 = 64 << 10;

/// The cost of an audience in requests: it scores all customers.
const AUDIENCE: u32 = 20;

#[derive(Debug)]
struct KeyRestrictions {
    /// The markets that the key opens; all if empty.
    markets: Vec<Name>,
    /// Whether the key may see what customers have bought.
    customers: bool,
    /// Whether the key may ask for another time than the present.
    admin: bool,
}

/// What the key of a request may see.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyPermissions(Option<Arc<KeyRestrictions>>);

impl KeyPermissions {
    /// Whether the key may see what customers have bought.
    fn of_customers(&self) -> bool {
        self.0.as_ref().is_none_or(|bounds| bounds.customers)
    }

    /// Refuses a key without the scope `customers`.
    pub(super) fn must_see_customers(&self) -> Result<(), Problem> {
        let refused =
            || Problem::new(StatusCode::FORBIDDEN, "this key has no scope `customers`: ask without a customer");
        self.of_customers().then_some(()).ok_or_else(refused)
    }

    /// Refuses a key without the scope `admin`.
    pub(super) fn must_be_admin(&self) -> Result<(), Problem> {
        let refused = || Problem::new(StatusCode::FORBIDDEN, "this key has no scope `admin`: ask without `at`");
        self.0.as_ref().is_none_or(|bounds| bounds.admin).then_some(()).ok_or_else(refused)
    }

    /// Removes what the key may not see: reasons that reveal purchases, and the tier `habits`, whose score is a count
    /// of purchases.
    pub(super) fn limit<'a>(&self, answers: impl Iterator<Item = (&'a mut Tier, &'a mut f32, &'a mut Option<Why>)>) {
        if self.of_customers() {
            return;
        }
        for (tier, score, why) in answers {
            if *tier == Tier::Habits {
                (*tier, *score) = (Tier::Bestsellers, 0.0);
                why.iter_mut().for_each(|why| why.parts.clear());
            }
            why.iter_mut().for_each(Why::of_items);
        }
    }

    /// Whether the key may see a market.
    pub(super) fn of_market(&self, market: &str) -> bool {
        self.0.as_ref().is_none_or(|bounds| bounds.opens(market))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for KeyPermissions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let _ = state;
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

impl KeyRestrictions {
    fn opens(&self, market: &str) -> bool {
        self.markets.is_empty() || self.markets.iter().any(|name| name.as_str() == market)
    }
}

impl Keys {
    /// Reads the hashes of the config.
    ///
    /// # Errors
    /// The message for a hash that is invalid, or that of the empty key.
    pub fn new(config: &[KeyConfig]) -> Result<Self, String> {
        let key = |(number, key): (usize, &KeyConfig)| {
            let hash = blake3::Hash::from_hex(&key.hash).map_err(|_| {
                format!("server.keys[{number}].hash is no hash: `trolley key` makes a key and its hash")
            })?;
            if hash == blake3::hash(b"") {
                return Err(format!(
                    "server.keys[{number}].hash is the hash of nothing: `trolley key` makes a key and its hash"
                ));
            }
            let limit = key.per_second.map(|most| (RateLimiter::direct(Quota::per_second(most)), most));
            let name = key.name.clone().unwrap_or_else(|| hash.to_hex()[..8].to_owned());
            let bounds = KeyRestrictions {
                markets: key.markets.clone(),
                customers: key.scopes.contains(&Scope::Customers),
                admin: key.scopes.contains(&Scope::Admin),
            };
            let is_bound = !bounds.markets.is_empty() || !bounds.customers || !bounds.admin;
            let bounds = is_bound.then(|| Arc::new(bounds));
            Ok(Key {
                name: name.into(),
                hash,
                scopes: key.scopes.clone(),
                limit,
                bounds,
                share: AudienceLimit::default(),
                quota: EventQuota::of(key.events_per_day),
            })
        };
        let keys = config.iter().enumerate().map(key).collect::<Result<Vec<_>, String>>()?;
        Ok(Self { keys, guesses: Some(RateLimiter::direct(Quota::per_second(GUESSES))) })
    }

    /// Whether no keys are configured.
    pub(super) fn are_none(&self) -> bool {
        self.keys.is_empty()
    }

    /// Checks the key of a request; `None` if no keys are configured.
    fn check(&self, request: &Request, scope: Scope) -> Result<Option<&Key>, Problem> {
        let headers = request.headers();
        if self.keys.is_empty() {
            return if is_of_this_machine(request) { Ok(None) } else { Err(elsewhere()) };
        }
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let Some(sent) = sent else {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "send a key: `Authorization: Bearer <key>`"));
        };
        let hash = blake3::hash(sent.trim().as_bytes());
        // All keys are compared, each in constant time, so that the duration reveals nothing about them.
        let mut found: Option<&Key> = None;
        for key in &self.keys {
            if key.hash == hash {
                found = Some(key);
            }
        }
        let Some(key) = found else {
            if self.guesses.as_ref().is_some_and(|guesses| guesses.check().is_err()) {
                return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many keys that are not known were sent"));
            }
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "this key is not known"));
        };
        if !key.scopes.contains(&scope) {
            return Err(Problem::new(StatusCode::FORBIDDEN, format!("this key has no scope `{}`", scope.name())));
        }
        if let Some(bounds) = &key.bounds
            && let Some(market) = market(request.uri().path())
            && !bounds.opens(market)
        {
            return Err(Problem::new(StatusCode::FORBIDDEN, "this key is not for this market"));
        }
        if let Some((limit, most)) = &key.limit
            // A request above the quota of a second is admitted if that quota is unused.
            && !limit.check_n(cost(request, scope).min(*most)).is_ok_and(|allowed| allowed.is_ok())
        {
            metrics::request_limited();
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "this key may not ask so often, or for so much"));
        }
        Ok(Some(key))
    }
}

/// Whether a request names this machine as its host, or no host. Without keys, a page of another site could otherwise
/// have a browser on this machine send requests, by pointing its own host name to this machine's address (DNS
/// rebinding).
fn is_of_this_machine(request: &Request) -> bool {
    let said = request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or("?"));
    let Some(host) = request.uri().authority().map(Authority::as_str).or(said) else { return true };
    let Ok(host) = host.parse::<Authority>() else { return false };
    let name = host.host().trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn elsewhere() -> Problem {
    let detail =
        "without keys the service answers requests to localhost or 127.0.0.1 alone, and this one names another host";
    Problem::new(StatusCode::FORBIDDEN, detail)
}

/// The author of a change: the name of a key, or the beginning of its hash.
#[derive(Clone, Debug)]
pub(super) struct Author(pub(super) Arc<str>);

/// The market in a path, not decoded.
pub(super) fn market(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/markets/")?.split('/').next()
}

/// The cost of a request: a long one takes longer to answer.
fn cost(request: &Request, scope: Scope) -> NonZeroU32 {
    let said = |headers: &HeaderMap| headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    let unsaid = if request.body().is_end_stream() { 0 } else { ASSUMED_LENGTH };
    let query = request.uri().query().map_or(0, |query| query.len() as u64);
    let bytes = said(request.headers()).unwrap_or(unsaid).saturating_add(query);
    let least = if scope == Scope::Audience { AUDIENCE } else { 1 };
    NonZeroU32::MIN.saturating_add(least - 1).saturating_add(u32::try_from(bytes / BYTES_PER_COST).unwrap_or(u32::MAX))
}

/// A layer that admits requests whose key has the scope.
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
        match keys.check(&request, *scope) {
            Ok(key) => {
                match (key, scope) {
                    (Some(key), Scope::Audience) => _ = request.extensions_mut().insert(key.share.clone()),
                    (Some(key), Scope::Events) => _ = request.extensions_mut().insert(key.quota.clone()),
                    _ => {}
                }
                if let Some(bounds) = key.and_then(|key| key.bounds.clone()) {
                    request.extensions_mut().insert(KeyPermissions(Some(bounds)));
                }
                // The audit log names the author of a change.
                if let Some(key) = key.filter(|_| request.method() != Method::GET) {
                    request.extensions_mut().insert(Author(key.name.clone()));
                }
                Either::Right(self.inner.call(request))
            }
            Err(problem) => Either::Left(ready(Ok(problem.into_response()))),
        }
    }
}
