use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::handler::Handler;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch::{self, Receiver};
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::audit::audit;
use super::keys::{Keys, Require};
use super::observe::Observe;
use super::offers::OfferItems;
use super::problem::Problem;
use super::{
    admin, alternatives, baskets, body_budget, bought_together, customer_lists, docs, document, erasure, events,
    markets, models, offers, rules, stock, why_not,
};
use crate::config::{Scope, ServerConfig};
use crate::exposures::Exposures;
use crate::live::{Markets, StateSync};
use crate::metrics;

/// The route in the metrics of requests that match none.
const NO_ROUTE: &str = "none";

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Document;

/// The state of the API, from which handlers extract what they need.
#[derive(Clone, Debug)]
pub struct ApiState {
    /// The markets.
    pub markets: Arc<Markets>,
    /// Stores and applies pushes.
    pub state_sync: Arc<StateSync>,
    /// The API keys.
    pub keys: Arc<Keys>,
    /// The exposure log.
    pub exposures: Exposures,
    /// Whether the API's address serves administration even if there are keys.
    pub admin_on_both: bool,
    /// Maximum number of items in all offers of a market.
    pub offer_items: OfferItems,
    /// True once the process has been told to stop.
    pub stopping: Receiver<bool>,
    /// Time-out of a request.
    pub longest: Duration,
}

impl ApiState {
    /// Without keys, and never told to stop.
    pub fn new(state_sync: Arc<StateSync>) -> Self {
        let (markets, exposures) = (state_sync.markets().clone(), state_sync.exposures().clone());
        let (keys, stopping) = (Arc::default(), watch::channel(false).1);
        let offer_items = OfferItems(ServerConfig::default().offer_items);
        let longest = Duration::from_secs(30);
        Self { markets, state_sync, keys, exposures, admin_on_both: false, offer_items, stopping, longest }
    }
}

/// The state as handlers share it: cloned for every request, so cheap to clone.
#[derive(Clone)]
struct Shared(Arc<ApiState>);

/// Lets handlers extract a part of the state.
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
part!(state_sync: Arc<StateSync>);
part!(exposures: Exposures);
part!(offer_items: OfferItems);
part!(stopping: Receiver<bool>);

/// Routes for questions, pushes and health, each with the scope that its key needs.
fn v1(access: &Access) -> OpenApiRouter<Shared> {
    let push = |routes| access.open_to(Scope::Push, routes);
    let pushes = OpenApiRouter::new()
        .routes(push(routes!(offers::replace)))
        .routes(push(routes!(stock::update)))
        .routes(push(routes!(rules::replace, rules::list)))
        .routes(push(routes!(baskets::push)))
        .routes(push(routes!(baskets::cancel)))
        .route_layer(DefaultBodyLimit::max(body_budget::LARGEST_PUSH));
    let question = |routes| access.open_to(Scope::Recommend, routes);
    let questions = OpenApiRouter::new()
        .routes(question(routes!(markets::list)))
        .routes(question(routes!(bought_together::item)))
        .routes(question(routes!(bought_together::cart)))
        .routes(question(routes!(why_not::item)))
        .routes(question(routes!(alternatives::item)))
        .routes(question(routes!(alternatives::cart)))
        .routes(question(routes!(why_not::instead)))
        .routes(question(routes!(offers::of_customer)))
        .routes(access.open_to(Scope::Customers, routes!(customer_lists::buy_again)))
        .routes(access.open_to(Scope::Customers, routes!(customer_lists::new_for_you)))
        .routes(access.open_to(Scope::Audience, routes!(offers::audience)))
        .routes(access.open_to(Scope::Events, routes!(events::record)));
    health(access).merge(questions).merge(pushes)
}

fn administration(access: &Access) -> OpenApiRouter<Shared> {
    let change = |routes| access.open_to(Scope::Admin, routes);
    OpenApiRouter::new()
        .routes(change(routes!(models::list)))
        .routes(change(routes!(models::set_current)))
        .routes(change(routes!(erasure::erase)))
        .routes(change(routes!(stock::reset)))
}

/// Health needs no key, so that operators and load balancers can use it.
fn health(access: &Access) -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(access.open_to_all(routes!(admin::live)))
        .routes(access.open_to_all(routes!(admin::ready)))
}

/// The keys and the request time-out that routes are wrapped with.
#[derive(Clone, Debug, Default)]
struct Access {
    keys: Arc<Keys>,
    longest: Duration,
}

impl Access {
    fn of(service: &ApiState) -> Self {
        Self { keys: service.keys.clone(), longest: service.longest }
    }

    /// Requires a key with the scope for the routes of a path.
    fn open_to(&self, scope: Scope, mut routes: UtoipaMethodRouter<Shared>) -> UtoipaMethodRouter<Shared> {
        document::describe(&mut routes.1, Some(scope));
        count(&routes);
        let observe = self.observe(path(&routes));
        let layers = (observe.clone(), Require(self.keys.clone(), scope));
        let has_body = has_body(&routes);
        routes.map(|methods| {
            let methods = match (has_body, scope) {
                (false, _) => methods,
                (true, Scope::Push) => methods.route_layer(from_fn(body_budget::for_push)),
                (true, _) => methods.route_layer(from_fn(body_budget::for_question)),
            };
            let audited = matches!(scope, Scope::Push | Scope::Admin);
            let methods = if audited { methods.route_layer(from_fn(audit)) } else { methods };
            methods.route_layer(layers).fallback(other_method.layer(observe))
        })
    }

    /// Opens the routes of a path without a key.
    fn open_to_all(&self, mut routes: UtoipaMethodRouter<Shared>) -> UtoipaMethodRouter<Shared> {
        document::describe(&mut routes.1, None);
        count(&routes);
        let observe = self.observe(path(&routes));
        routes.map(|methods| methods.route_layer(observe.clone()).fallback(other_method.layer(observe)))
    }

    fn observe(&self, path: &str) -> Observe {
        Observe::route(path, self.longest)
    }
}

/// Registers the metrics of some routes, so that they exist from the start.
fn count((_, described, _): &UtoipaMethodRouter<Shared>) {
    for (path, item) in &described.paths {
        let methods =
            [("GET", &item.get), ("PUT", &item.put), ("POST", &item.post), ("other", &item.delete)].into_iter();
        methods
            .filter(|(_, operation)| operation.is_some())
            .for_each(|(method, _)| metrics::register_route(method, path));
    }
}

fn has_body((_, described, _): &UtoipaMethodRouter<Shared>) -> bool {
    let mut operations = described.paths.values().flat_map(|item| [&item.put, &item.post]).flatten();
    operations.any(|operation| operation.request_body.is_some())
}

fn path((_, described, _): &UtoipaMethodRouter<Shared>) -> &str {
    described.paths.keys().next().map_or(NO_ROUTE, String::as_str)
}

/// The API's description, `/openapi.json`.
pub fn openapi() -> serde_json::Value {
    let access = Access::default();
    let routes = OpenApiRouter::with_openapi(Document::openapi()).merge(v1(&access)).merge(administration(&access));
    document::finished(routes.split_for_parts().1)
}

/// The API, with administration if there are no keys or the config says so.
pub fn router(service: ApiState) -> Router {
    let access = Access::of(&service);
    let mut routes = v1(&access);
    if service.keys.are_none() || service.admin_on_both {
        routes = administration(&access).merge(routes);
    }
    finished(described(service, &access, routes), &access)
}

/// Metrics, the documentation page, and all routes of the API, so that this page can send requests.
pub fn admin_router(service: ApiState, handle: PrometheusHandle) -> Router {
    let access = Access::of(&service);
    let metrics = Router::new()
        .route("/metrics", get(admin::metrics))
        .route_layer((access.observe("/metrics"), Require(service.keys.clone(), Scope::Metrics)))
        .with_state((service.state_sync.clone(), handle));
    let page = Router::new()
        .route("/docs", get(docs::page))
        .route("/docs/", get(docs::index))
        .route("/docs/{file}", get(docs::asset))
        .route_layer(access.observe("/docs"));
    let routes = administration(&access).merge(v1(&access));
    finished(described(service, &access, routes).merge(metrics).merge(page), &access)
}

/// The routes, and the one of their description, `/openapi.json`.
fn described(service: ApiState, access: &Access, routes: OpenApiRouter<Shared>) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi()).merge(routes).split_for_parts();
    // Serialised once, since it does not change.
    let document = Bytes::from(serde_json::to_vec(&document::finished(document)).unwrap_or_default());
    router.with_state(Shared(Arc::new(service))).route(
        "/openapi.json",
        get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document.clone()) })
            .layer(access.observe("/openapi.json")),
    )
}

/// Answers unknown paths and methods with a problem.
fn finished(router: Router, access: &Access) -> Router {
    let nothing = || async { Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path; see /openapi.json") };
    router
        .fallback(nothing.layer(access.observe(NO_ROUTE)))
        .method_not_allowed_fallback(other_method.layer(access.observe(NO_ROUTE)))
}

async fn other_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method; see /openapi.json")
}
