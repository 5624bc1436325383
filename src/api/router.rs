use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::handler::Handler;
use axum::http::{StatusCode, header};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch::{self, Receiver};
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::keys::{Keys, Require};
use super::observe::Observe;
use super::problem::Problem;
use super::{admin, alternatives, bought_together, erasure, events, markets, models, offers, rules, stock, why_not};
use crate::config::Scope;
use crate::exposures::Exposures;
use crate::live::{Keeper, Markets};

/// Bytes in the body of a push; in any other, 2 MB, as axum has it.
const LARGEST_PUSH: usize = 32 << 20;

/// What requests count as that none of the routes took.
const NO_ROUTE: &str = "none";

#[derive(OpenApi)]
#[openapi(info(
    title = "Trolley",
    description = "Recommendations for shops that sell baskets: what is bought together, what can stand in for what, \
                   and which offers are for whom. Answers hold IDs only."
))]
struct Document;

/// What the handlers take what they need from.
#[derive(Clone, Debug)]
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

/// The service as the handlers share it: handed to every request, so cheap to copy.
#[derive(Clone)]
struct Shared(Arc<Service>);

/// Handlers name the part that they need.
macro_rules! part {
    ($field:ident: $part:ty) => {
        impl FromRef<Shared> for $part {
            fn from_ref(shared: &Shared) -> Self {
                shared.0.$field.clone()
            }
        }
    };
}
part!(markets: Arc<Markets>);
part!(keeper: Arc<Keeper>);
part!(exposures: Exposures);
part!(stopping: Receiver<bool>);

/// All routes, by the scope of the key that they need.
fn v1(keys: &Arc<Keys>) -> OpenApiRouter<Shared> {
    let push = |routes| open_to(keys, Scope::Push, routes);
    let pushes = OpenApiRouter::new()
        .routes(push(routes!(offers::replace)))
        .routes(push(routes!(stock::update)))
        .routes(push(routes!(rules::replace, rules::list)))
        .route_layer(DefaultBodyLimit::max(LARGEST_PUSH));
    let question = |routes| open_to(keys, Scope::Recommend, routes);
    let questions = OpenApiRouter::new()
        .routes(question(routes!(markets::list)))
        .routes(question(routes!(bought_together::item)))
        .routes(question(routes!(bought_together::cart)))
        .routes(question(routes!(why_not::item)))
        .routes(question(routes!(alternatives::item)))
        .routes(question(routes!(offers::of_customer)))
        .routes(question(routes!(offers::audience)))
        .routes(question(routes!(events::record)));
    administration(keys).merge(health()).merge(questions).merge(pushes)
}

fn administration(keys: &Arc<Keys>) -> OpenApiRouter<Shared> {
    let change = |routes| open_to(keys, Scope::Admin, routes);
    OpenApiRouter::new()
        .routes(change(routes!(models::list)))
        .routes(change(routes!(models::set_current)))
        .routes(change(routes!(erasure::erase)))
}

/// Open to whoever looks after the process.
fn health() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(open_to_all(routes!(admin::live))).routes(open_to_all(routes!(admin::ready)))
}

/// The routes of a path, for keys that have the scope.
fn open_to(keys: &Arc<Keys>, scope: Scope, routes: UtoipaMethodRouter<Shared>) -> UtoipaMethodRouter<Shared> {
    let observe = Observe::route(path(&routes));
    let layers = (observe.clone(), Require(keys.clone(), scope));
    routes.map(|methods| methods.route_layer(layers).fallback(other_method.layer(observe)))
}

/// The routes of a path, for anybody.
fn open_to_all(routes: UtoipaMethodRouter<Shared>) -> UtoipaMethodRouter<Shared> {
    let observe = Observe::route(path(&routes));
    routes.map(|methods| methods.route_layer(observe.clone()).fallback(other_method.layer(observe)))
}

fn path((_, described, _): &UtoipaMethodRouter<Shared>) -> &str {
    described.paths.keys().next().map_or(NO_ROUTE, String::as_str)
}

/// The API's description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::with_openapi(Document::openapi()).merge(v1(&Arc::default())).split_for_parts().1
}

/// The API.
pub fn router(service: Service) -> Router {
    let (router, document) =
        OpenApiRouter::with_openapi(Document::openapi()).merge(v1(&service.keys)).split_for_parts();
    // Written once: it does not change.
    let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
    let router = router.with_state(Shared(Arc::new(service))).route(
        "/openapi.json",
        get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document.clone()) })
            .layer(Observe::route("/openapi.json")),
    );
    finished(router)
}

/// Metrics, health and administration.
pub fn admin_router(service: Service, handle: PrometheusHandle) -> Router {
    let (router, _) = administration(&service.keys).merge(health()).split_for_parts();
    let metrics = Router::new()
        .route("/metrics", get(admin::metrics))
        .route_layer((Observe::route("/metrics"), Require(service.keys.clone(), Scope::Metrics)))
        .with_state((service.keeper.clone(), handle));
    finished(router.with_state(Shared(Arc::new(service))).merge(metrics))
}

/// With problems for whatever has no handler.
fn finished(router: Router) -> Router {
    let nothing = || async { Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path; see /openapi.json") };
    router
        .fallback(nothing.layer(Observe::route(NO_ROUTE)))
        .method_not_allowed_fallback(other_method.layer(Observe::route(NO_ROUTE)))
}

async fn other_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method; see /openapi.json")
}
