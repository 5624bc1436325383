use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trolley_model::artefact::ArtefactError;
use utoipa::ToSchema;

use crate::store::StoreError;

/// An error as problem details (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// The status in words.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// What is wrong and what to do.
    #[schema(example = "limit must be a whole number from 1 to 200")]
    detail: String,
    /// The invalid parameter or field of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "limit")]
    field: Option<String>,
    /// The request ID (`x-request-id`), as in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "7f3a2c62-9a54-4f1e-8f0e-3d6c1a2b4c5d")]
    request_id: Option<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { status: status.as_u16(), title, detail: detail.into(), field: None, request_id: None }
    }

    /// A problem with the value of a field.
    pub(super) fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    pub(super) fn unknown_market() -> Self {
        let detail = "there is no such market; GET /v1/markets lists those that there are";
        Self { field: Some("market".into()), ..Self::new(StatusCode::NOT_FOUND, detail) }
    }

    pub(super) fn no_model() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "this market has no model in service yet: train and publish one")
    }

    /// A request that can't be parsed. `text` is serde's message, "field: what is wrong", or describes what was sent.
    pub(super) fn unreadable(status: StatusCode, text: &str) -> Self {
        let detail = text.strip_prefix("Failed to deserialize the JSON body into the target type: ").unwrap_or(text);
        let field = ["unknown field `", "missing field `", "duplicate field `"]
            .iter()
            .find_map(|what| detail.split_once(what)?.1.split_once('`'))
            .map(|(field, _)| field)
            .or_else(|| detail.split_once(": ").map(|(path, _)| path))
            .filter(|field| field.len() <= 100 && !field.contains(' '));
        Self { field: field.map(str::to_owned), ..Self::new(status, detail) }
    }
}

/// Adds the request ID to the body of a response, if it is a problem.
pub(super) async fn named(response: Response, id: &str) -> Response {
    if response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind != PROBLEM) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // The service's own problems are in memory and short.
    let mut bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default().to_vec();
    if bytes.last() == Some(&b'}') {
        bytes.pop();
        bytes.extend_from_slice(format!(",\"request_id\":\"{id}\"}}").as_bytes());
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, bytes.into())
}

/// The content type of problems.
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // Rate limits recover within a second; a database, a model or an overload may take longer.
        match status {
            StatusCode::TOO_MANY_REQUESTS => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1")),
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5")),
            _ => None,
        };
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::unreadable(rejection.status(), &rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a push could not be kept");
        let became = match error {
            StoreError::Slow => "whether it was taken in is not known",
            _ => "nothing was changed",
        };
        let detail = format!("{}: {became}, push again later", error.cause());
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl From<ArtefactError> for Problem {
    fn from(error: ArtefactError) -> Self {
        let detail = match &error {
            ArtefactError::NoModel { .. } | ArtefactError::NoVersion { .. } => {
                return Self {
                    field: Some("version".into()),
                    ..Self::new(StatusCode::NOT_FOUND, "the market has no such version")
                };
            }
            ArtefactError::Busy { .. } => {
                return Self::new(StatusCode::CONFLICT, "a model of this market is being published right now");
            }
            ArtefactError::Write { source, .. } => {
                tracing::error!(%error, "the models folder cannot be written");
                let detail = format!(
                    "the models folder of this service cannot be written ({}), so nothing was changed: the version is \
                     put into service where models are published, with `trolley models rollback`",
                    source.kind()
                );
                return Self::new(StatusCode::CONFLICT, detail);
            }
            error if error.is_incomplete() => {
                tracing::error!(%error, "a model was asked for that is not whole");
                return Self::new(StatusCode::CONFLICT, "that version is not whole yet: try again when it is copied");
            }
            // The client learns what is wrong, but no file paths.
            ArtefactError::Format { .. } => "that version has a format that this service does not read",
            _ => "that version is damaged; the log of the service says what is wrong with it",
        };
        tracing::error!(%error, "a model was asked for and refused");
        Self::new(StatusCode::CONFLICT, detail)
    }
}
