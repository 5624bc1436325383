use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use trolley_model::Name;
use trolley_model::artefact::ArtefactError;
use utoipa::ToSchema;

use super::audit::What;
use super::extract::{self, Path};
use super::problem::Problem;
use crate::background::background;
use crate::live::{Market, Markets};

/// The published models of a market.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelList {
    /// The version that `current` names.
    current: Option<String>,
    /// The version that answers; another one than `current` only while that is being opened, or was refused.
    in_service: Option<String>,
    /// Whether `current` stays when the next model is published.
    pinned: bool,
    /// All versions, oldest first.
    versions: Vec<String>,
}

/// The published models of a market.
#[utoipa::path(
    get,
    path = "/v1/markets/{market}/models",
    tag = "models",
    operation_id = "listModels",
    params(("market" = String, Path, description = "The market")),
    responses((status = 200, description = "The versions, oldest first, and which of them answers", body = ModelList))
)]
pub(super) async fn list(
    State(markets): State<Arc<Markets>>,
    Path(market): Path<String>,
) -> Result<Json<ModelList>, Problem> {
    let market = markets.get(&market).ok_or_else(Problem::unknown_market)?;
    blocking(move || facts(&markets, &market)).await.map(Json)
}

/// The version to be put into service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    /// One of the market's versions.
    #[schema(example = "2026-11-20t04-00-00z")]
    version: String,
    /// Whether it stays when the next model is published.
    #[serde(default)]
    pin: bool,
}

/// Puts another version into service: a rollback, or its reverse. It holds until the next model is published or, pinned,
/// until another version is put into service.
#[utoipa::path(
    put,
    path = "/v1/markets/{market}/models/current",
    tag = "models",
    operation_id = "setCurrentModel",
    params(("market" = String, Path, description = "The market")),
    request_body = Version,
    responses((status = 200, description = "The versions, with the new one in service", body = ModelList),
              (status = 409, description = "The version is damaged or not whole, is being published, or the models folder cannot be written", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn set_current(
    State(markets): State<Arc<Markets>>,
    Path(market): Path<String>,
    extract::Json(Version { version, pin }): extract::Json<Version>,
) -> Result<(Extension<What>, Json<ModelList>), Problem> {
    let market = markets.get(&market).ok_or_else(Problem::unknown_market)?;
    let version = Name::new(&version).map_err(|e| Problem::field("version", e.to_string()))?;
    let what = What(format!("version {version}{}", if pin { ", pinned" } else { "" }));
    let now = blocking(move || {
        let _changing = market.changing();
        // Opened before the pointer moves: a damaged model must not become the current one.
        let opened = markets.shelf().open(market.name(), &version)?;
        markets.shelf().set_current(market.name(), &version, pin)?;
        market.serve(opened);
        facts(&markets, &market)
    })
    .await?;
    Ok((Extension(what), Json(now)))
}

fn facts(markets: &Markets, market: &Market) -> Result<ModelList, ArtefactError> {
    let versions = markets.shelf().versions(market.name())?;
    Ok(ModelList {
        current: markets.shelf().current(market.name()).ok().map(String::from),
        in_service: market.snapshot().map(|snapshot| snapshot.manifest().version.to_string()),
        pinned: markets.shelf().is_pinned(market.name()),
        versions: versions.into_iter().map(String::from).collect(),
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtefactError> + Send + 'static,
) -> Result<T, Problem> {
    let done = background(work).await;
    Ok(done.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the models could not be read"))??)
}
