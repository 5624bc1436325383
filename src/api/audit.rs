//! The audit log, one line per change, and request IDs.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use trolley_model::Name;
use uuid::Uuid;

use super::keys::{Author, market};

/// The header of the request ID: the client's, or one made here.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Maximum length of a client's request ID in bytes.
const LONGEST: usize = 128;

/// What was changed, in words: counts and versions, no customer data.
#[derive(Clone, Debug)]
pub(super) struct ChangeSummary(pub(super) String);

/// The client's request ID if it is safe to log, otherwise a new one.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    let given = headers.get(&REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        (1..=LONGEST).contains(&id.len()) && id.iter().all(fits)
    });
    given.cloned().unwrap_or_else(|| {
        let made = Uuid::new_v4();
        HeaderValue::from_str(made.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            .unwrap_or_else(|_| HeaderValue::from_static("none"))
    })
}

/// Logs each requested change, whether it was made or not.
pub(super) async fn audit(request: Request, next: Next) -> Response {
    if *request.method() == Method::GET {
        return next.run(request).await;
    }
    let who = request.extensions().get::<Author>().map_or_else(|| "no key".into(), |who| who.0.clone());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let market = market(request.uri().path()).and_then(|market| Name::new(market).ok());
    let method = request.method().clone();
    let response = next.run(request).await;
    let what = response.extensions().get::<ChangeSummary>().map(|what| what.0.as_str()).unwrap_or_default();
    let market = market.as_ref().map(Name::as_str).unwrap_or_default();
    tracing::info!(who = &*who, %method, route, market, status = response.status().as_u16(), what, "a change");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_name_for_a_request_is_kept_if_it_can_stand_in_a_log() {
        let named = |id: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(id).unwrap());
            request_id(&headers)
        };
        for id in [&b"7f3a-41"[..], b"a_b.c:d/e+f="] {
            assert_eq!(named(id).as_bytes(), id);
        }
        for id in [&b""[..], b"a b", b"a\"b", b"\xc3\xbc", &[b'a'; 129]] {
            assert_eq!(named(id).len(), 36, "another is made");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
