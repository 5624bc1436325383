//! axum's extractors with problems as rejections. The query extractor splits lists before it decodes them, so that IDs
//! may contain commas.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::FutureExt;
use percent_encoding::percent_decode_str;
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use super::problem::Problem;
use crate::low_priority::low_priority_limited;

/// A JSON body. A long one is parsed on another thread than those that serve requests.
pub(super) struct Json<T>(pub(super) T);

/// Maximum size in bytes of a body that is parsed on the thread of the request.
const SHORT: usize = 16 << 10;

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // A body that is not declared as JSON is refused unread.
        if !is_json(request.headers()) {
            return understood(request);
        }
        let (parts, body) = request.into_parts();
        let head = Request::from_parts(parts.clone(), body);
        let bytes = Bytes::from_request(head, state)
            .await
            .map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
        let length = bytes.len();
        let whole = Request::from_parts(parts, Body::from(bytes));
        if length <= SHORT {
            return understood(whole);
        }
        let understand = low_priority_limited(move || understood(whole)).await;
        understand.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the body could not be understood"))?
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.to_ascii_lowercase().contains("json")
}

/// Runs axum's extractor on a body that is in memory, or that it refuses unread.
fn understood<T: DeserializeOwned>(request: Request) -> Result<Json<T>, Problem> {
    let read = axum::Json::<T>::from_request(request, &()).now_or_never();
    let read = read.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "the body is not here as a whole"))?;
    Ok(Json(read?.0))
}

/// The query parameters; without a query, the default.
pub(super) struct Query<T>(pub(super) T);

impl<T: Default + DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let _ = state;
        let Some(query) = parts.uri.query() else { return Ok(Self(T::default())) };
        read(query).map(Self)
    }
}

/// Parses a query with percent-encoded values and `+` for a space. The parameters in [`LISTS`] may be repeated. A value
/// of those in [`WITH_COMMAS`] may hold several IDs separated by commas; a comma in an ID is percent-encoded.
fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let mut params: Vec<(Cow<'_, str>, Value<'_>)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name)?;
        if !LISTS.contains(&&*name) {
            params.push((name, Value::One(decoded(raw)?)));
            continue;
        }
        let texts =
            if WITH_COMMAS.contains(&&*name) { raw.split(',').map(decoded).collect() } else { vec![decoded(raw)] };
        let texts = texts.into_iter().collect::<Result<Vec<_>, _>>()?;
        match params.iter_mut().find(|(known, _)| *known == name) {
            Some((_, Value::Many(many))) => many.extend(texts),
            _ => params.push((name, Value::Many(texts))),
        }
    }
    T::deserialize(MapDeserializer::new(params.into_iter()))
        .map_err(|error: serde::de::value::Error| Problem::unreadable(StatusCode::BAD_REQUEST, &error.to_string()))
}

/// Parameters that may be repeated.
const LISTS: [&str; 3] = ["exclude", "category", "not_category"];
/// Those of them whose values are split at commas.
const WITH_COMMAS: [&str; 1] = ["exclude"];

fn decoded(text: &str) -> Result<Cow<'_, str>, Problem> {
    let bad = || Problem::new(StatusCode::BAD_REQUEST, "the query is not UTF-8, percent-encoded");
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().map_err(|_| bad());
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(|text| Cow::Owned(text.into_owned())).map_err(|_| bad())
}

/// The value or values of a parameter.
enum Value<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

impl IntoDeserializer<'_> for Value<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::One(text) => StrDeserializer::new(&text).deserialize_any(visitor),
            Self::Many(texts) => SeqDeserializer::new(texts.into_iter()).deserialize_seq(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The path parameters, percent-decoded.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Params {
        customer: Option<String>,
        exclude: Vec<String>,
        category: Vec<String>,
    }

    fn excluded(query: &str) -> Vec<String> {
        read::<Params>(query).unwrap().exclude
    }

    #[test]
    fn a_comma_separates_unless_it_belongs_to_an_id() {
        assert_eq!(excluded("exclude=a,b"), ["a", "b"]);
        assert_eq!(excluded("exclude=tea,butter%2C%20salted"), ["tea", "butter, salted"]);
        assert_eq!(excluded("exclude=butter%2c+salted&exclude=a=b"), ["butter, salted", "a=b"]);
        let params: Params = read("category=A,B&customer=x%26y&&category=C%2B+D").unwrap();
        assert_eq!(params.category, ["A,B", "C+ D"]);
        assert_eq!(params.customer.as_deref(), Some("x&y"));
    }

    #[test]
    fn what_cannot_be_read_names_its_field() {
        for (query, field) in [("limti=6", "limti"), ("customer=a&customer=b", "customer")] {
            let problem = serde_json::to_value(read::<Params>(query).unwrap_err()).unwrap();
            assert_eq!((&problem["status"], &problem["field"]), (&400.into(), &field.into()), "{problem}");
        }
        for query in ["customer=%ff", "%ff=x", "exclude=a,%ff"] {
            let problem = serde_json::to_value(read::<Params>(query).unwrap_err()).unwrap();
            assert_eq!(problem["status"], 400, "{problem}");
        }
    }

    proptest! {
        #[test]
        fn whatever_ids_are_they_arrive_as_they_were(ids in prop::collection::vec(any::<String>(), 1..5)) {
            let encode = |id: &String| {
                percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let encoded: Vec<String> = ids.iter().map(encode).collect();
            prop_assert_eq!(&excluded(&format!("exclude={}", encoded.join(","))), &ids);
            prop_assert_eq!(&excluded(&format!("exclude={}", encoded.join("&exclude="))), &ids);
        }
    }
}
