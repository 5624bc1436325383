use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router, middleware};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;

use tokio::sync::watch::{self, Receiver};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keys::{Keys, require};
use super::observe::observe;
use super::problem::Problem;
use super::{admin, alternatives, bought_together, erasure, events, markets, models, offers, rules, stock, why_not};
use crate::config::Scope;
use crate::exposures::Exposures;
use crate::live::{Keeper, Markets};

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

/// What the handlers take what they need from.
#[derive(Clone, Debug, FromRef)]
pub struct Service {
    /// The markets.
    pub markets: Arc<Markets>,
    /// What is pushed goes to it.
    pub keeper: Arc<Keeper>,
    /// Who may ask what.
    pub keys: Arc<Keys>,
    /// Where answers are written down.
    pub exposures: Exposures,
    /// True when the process has been told to stop.
    pub stopping: Receiver<bool>,
}

impl Service {
    /// Open to all, for ever.
    pub fn new(keeper: Arc<Keeper>) -> Self {
        let (markets, exposures) = (keeper.markets().clone(), keeper.exposures().clone());
        Self { markets, keeper, keys: Arc::default(), exposures, stopping: watch::channel(false).1 }
    }
}

/// All routes, by the scope of the key that they need.
fn v1() -> OpenApiRouter<Service> {
    let pushes = OpenApiRouter::new()
        .routes(routes!(offers::replace))
        .routes(routes!(stock::update))
        .routes(routes!(rules::replace, rules::list))
        .route_layer(middleware::from_fn(|request, next| require(Scope::Push, request, next)))
        .layer(DefaultBodyLimit::max(LARGEST_PUSH));
    let questions = OpenApiRouter::new()
        .routes(routes!(markets::list))
        .routes(routes!(bought_together::item))
        .routes(routes!(bought_together::cart))
        .routes(routes!(why_not::item))
        .routes(routes!(alternatives::item))
        .routes(routes!(offers::of_customer))
        .routes(routes!(offers::audience))
        .routes(routes!(events::record))
        .route_layer(middleware::from_fn(|request, next| require(Scope::Recommend, request, next)))
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    administration().merge(health()).merge(questions).merge(pushes)
}

fn administration() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(models::list))
        .routes(routes!(models::set_current))
        .routes(routes!(erasure::erase))
        .route_layer(middleware::from_fn(|request, next| require(Scope::Admin, request, next)))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}

/// Open to whoever looks after the process.
fn health() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(admin::live)).routes(routes!(admin::ready))
}

/// The API's description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::with_openapi(Document::openapi()).merge(v1()).split_for_parts().1
}

/// The API.
pub fn router(service: Service) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi()).merge(v1()).split_for_parts();
    // Written once: it does not change.
    let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
    let router = router.with_state(service.clone()).route(
        "/openapi.json",
        get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document.clone()) }),
    );
    finished(router, service.keys)
}

/// Metrics, health and administration.
pub fn admin_router(service: Service, handle: PrometheusHandle) -> Router {
    let (router, _) = administration().merge(health()).split_for_parts();
    let metrics = Router::new()
        .route("/metrics", get(admin::metrics))
        .route_layer(middleware::from_fn(|request, next| require(Scope::Metrics, request, next)))
        .with_state((service.keeper.clone(), handle));
    finished(router.with_state(service.clone()).merge(metrics), service.keys)
}

/// Whoever takes too long to send a body is told so.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(PATIENCE, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("the request took longer than {} seconds", PATIENCE.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail).into_response()
    })
}

/// What all routes share: problems for whatever has no handler, a bound in time, panics contained, and counting.
fn finished(router: Router, keys: Arc<Keys>) -> Router {
    router
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path; see /openapi.json") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method; see /openapi.json")
        })
        .layer(middleware::from_fn(in_time))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong on our side").into_response()
        }))
        .layer(Extension(keys))
        .layer(middleware::from_fn(observe))
}
