use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::observe::observe;
use super::problem::Problem;
use super::{admin, alternatives, bought_together, markets, models, offers, stock};
use crate::live::Markets;

/// Bytes in the body of a push.
const LARGEST_PUSH: usize = 32 << 20;
/// Bytes in any other body.
const LARGEST_BODY: usize = 1 << 20;
/// No request may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(OpenApi)]
#[openapi(info(
    title = "Trolley",
    description = "Recommendations for shops that sell baskets: what is bought together, what can stand in for what, \
                   and which offers are for whom. Answers hold IDs only."
))]
struct Document;

fn v1() -> OpenApiRouter<Arc<Markets>> {
    let pushes = OpenApiRouter::new()
        .routes(routes!(offers::replace))
        .routes(routes!(stock::update))
        .layer(DefaultBodyLimit::max(LARGEST_PUSH));
    OpenApiRouter::new()
        .routes(routes!(markets::list))
        .routes(routes!(bought_together::item))
        .routes(routes!(bought_together::cart))
        .routes(routes!(alternatives::item))
        .routes(routes!(offers::of_customer))
        .routes(routes!(offers::audience))
        .routes(routes!(models::list))
        .routes(routes!(models::set_current))
        .routes(routes!(admin::live))
        .routes(routes!(admin::ready))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .merge(pushes)
}

/// The API's description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::with_openapi(Document::openapi()).merge(v1()).split_for_parts().1
}

/// The API.
pub fn router(markets: Arc<Markets>) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi()).merge(v1()).split_for_parts();
    let router = router.with_state(markets).route("/openapi.json", get(move || async move { Json(document.clone()) }));
    finished(router)
}

/// Metrics, health and administration.
pub fn admin_router(markets: Arc<Markets>, handle: PrometheusHandle) -> Router {
    let (router, _) = OpenApiRouter::<Arc<Markets>>::new()
        .routes(routes!(admin::live))
        .routes(routes!(admin::ready))
        .routes(routes!(models::list))
        .routes(routes!(models::set_current))
        .split_for_parts();
    let metrics = Router::new().route("/metrics", get(admin::metrics)).with_state((markets.clone(), handle));
    finished(router.with_state(markets).merge(metrics))
}

/// Whoever takes too long to send a body is told so.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(PATIENCE, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("the request took longer than {} seconds", PATIENCE.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail).into_response()
    })
}

/// What all routes share: problems for whatever has no handler, a bound in time, panics contained, and counting.
fn finished(router: Router) -> Router {
    router
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path; see /openapi.json") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method; see /openapi.json")
        })
        .layer(middleware::from_fn(in_time))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong on our side").into_response()
        }))
        .layer(middleware::from_fn(observe))
}
