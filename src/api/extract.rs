//! axum's extractors, with problems for what they refuse.

use axum::extract::{FromRequest, FromRequestParts};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// A body of JSON.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(super) struct Json<T>(pub(super) T);

/// The parameters behind the question mark. Without any, nothing is read.
pub(super) struct Query<T>(pub(super) T);

impl<T: Default + DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_none() {
            return Ok(Self(T::default()));
        }
        let axum::extract::Query(params) = axum::extract::Query::from_request_parts(parts, state).await?;
        Ok(Self(params))
    }
}

/// The parameters of the path, percent-decoded.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);
