use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio::sync::watch::Receiver;
use utoipa::ToSchema;

use crate::live::{Markets, StateSync};
use crate::metrics;

/// The state of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `live`, `ready`, `degraded` (it answers, but the database of offers, stock and rules cannot be reached),
    /// `not ready` or `stopping`.
    #[schema(value_type = Status)]
    status: &'static str,
    /// Markets without a model in service.
    waiting_for: Vec<String>,
}

/// The states of the service.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the values that are described")]
enum Status {
    Live,
    Ready,
    Degraded,
    #[schema(rename = "not ready")]
    NotReady,
    Stopping,
}

/// Liveness: the process runs.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    operation_id = "getLiveness",
    responses((status = 200, description = "It runs", body = Health))
)]
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "live", waiting_for: Vec::new() })
}

/// Readiness: every market of the config, and each that was there at the start, has a model in service.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    operation_id = "getReadiness",
    responses((status = 200, description = "It answers", body = Health),
              (status = 503, description = "It does not answer yet, or is stopping", body = Health))
)]
pub(super) async fn ready(
    State(markets): State<Arc<Markets>>,
    State(state_sync): State<Arc<StateSync>>,
    State(stopping): State<Receiver<bool>>,
) -> (StatusCode, Json<Health>) {
    if *stopping.borrow() {
        let health = Health { status: "stopping", waiting_for: Vec::new() };
        return (StatusCode::SERVICE_UNAVAILABLE, Json(health));
    }
    if markets.ready() {
        let status = if state_sync.is_whole() { "ready" } else { "degraded" };
        return (StatusCode::OK, Json(Health { status, waiting_for: Vec::new() }));
    }
    let all = markets.all();
    let waiting_for = all.values().filter(|market| !market.ready()).map(|m| m.name().to_string());
    let health = Health { status: "not ready", waiting_for: waiting_for.collect() };
    (StatusCode::SERVICE_UNAVAILABLE, Json(health))
}

/// All metrics in the Prometheus text format.
pub(super) async fn metrics(
    State((state_sync, handle)): State<(Arc<StateSync>, PrometheusHandle)>,
) -> impl IntoResponse {
    let unsent = super::server::unsent::waiting();
    metrics::refresh(state_sync.markets().all().values().map(AsRef::as_ref), state_sync.age(), unsent);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render())
}
