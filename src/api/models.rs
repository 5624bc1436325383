use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use trolley_model::Name;
use trolley_model::artefact::ArtefactError;
use utoipa::ToSchema;

use super::audit::ChangeSummary;
use super::extract::{self, Path};
use super::problem::Problem;
use crate::live::{Market, Markets};
use crate::low_priority::low_priority;

/// The published models of a market.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelList {
    /// The version that the pointer `current` names.
    current: Option<String>,
    /// The version in service. It differs from `current` only while that version is being opened, or if it was refused.
    in_service: Option<String>,
    /// Whether `current` stays when the next model is published.
    pinned: bool,
    /// All versions, oldest first.
    versions: Vec<String>,
}

/// Lists the published models of a market.
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

/// The version to put into service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    /// One of the market's versions.
    #[schema(example = "2026-11-20t04-00-00z")]
    version: String,
    /// Whether it stays in service when the next model is published.
    #[serde(default)]
    pin: bool,
}

/// Puts another version into service: a rollback, or its reverse. The version stays until the next model is published
/// or, if pinned, until another version is put into service.
#[utoipa::path(
    put,
    path = "/v1/markets/{market}/models/current",
    tag = "models",
    operation_id = "setCurrentModel",
    params(("market" = String, Path, description = "The market")),
    request_body = Version,
    responses((status = 200, description = "The versions, with the new one in service", body = ModelList),
              (status = 202, description = "It is being opened, which takes long: `Location` says where to see it come into service", body = ModelList,
               headers(("Location" = String, description = "The market's models"))),
              (status = 409, description = "The version is damaged or not whole, is being published, or the models folder cannot be written", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn set_current(
    State(markets): State<Arc<Markets>>,
    Path(market): Path<String>,
    extract::Json(Version { version, pin }): extract::Json<Version>,
) -> Result<Response, Problem> {
    let market = markets.get(&market).ok_or_else(Problem::unknown_market)?;
    let version = Name::new(&version).map_err(|e| Problem::field("version", e.to_string()))?;
    let what = ChangeSummary(format!("version {version}{}", if pin { ", pinned" } else { "" }));
    let place = format!("/v1/markets/{}/models", market.name());
    let put = {
        let (markets, market) = (markets.clone(), market.clone());
        move || put_into_service(&markets, &market, &version, pin).and_then(|()| facts(&markets, &market))
    };
    // It runs on a thread of its own, so it goes on after the time-out and after a disconnect.
    if let Ok(done) = tokio::time::timeout(WAITS, blocking(put)).await {
        return Ok((Extension(what), Json(done?)).into_response());
    }
    let now = blocking(move || facts(&markets, &market)).await?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Extension(what), Json(now)).into_response())
}

/// Maximum time to wait for the version to come into service before answering 202.
const WAITS: Duration = Duration::from_secs(5);

fn put_into_service(markets: &Markets, market: &Market, version: &Name, pin: bool) -> Result<(), ArtefactError> {
    let _changing = market.changing();
    // Opened before the pointer moves: a damaged model must not become the current one.
    let put = markets.registry().open(market.name(), version).and_then(|opened| {
        markets.registry().set_current(market.name(), version, pin)?;
        market.serve(opened);
        Ok(())
    });
    put.inspect_err(|error| tracing::warn!(market = %market.name(), %version, %error, "it was not put into service"))
}

fn facts(markets: &Markets, market: &Market) -> Result<ModelList, ArtefactError> {
    let versions = markets.registry().versions(market.name())?;
    Ok(ModelList {
        current: markets.registry().current(market.name()).ok().map(String::from),
        in_service: market.snapshot().map(|snapshot| snapshot.manifest().version.to_string()),
        pinned: markets.registry().is_pinned(market.name()),
        versions: versions.into_iter().map(String::from).collect(),
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtefactError> + Send + 'static,
) -> Result<T, Problem> {
    let done = low_priority(work).await;
    Ok(done.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the models could not be read"))??)
}
