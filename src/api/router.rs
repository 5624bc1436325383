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
use super::problem::Problem;
use super::{
    admin, alternatives, bought_together, docs, document, erasure, events, markets, models, offers, rules, stock,
    why_not,
};
use crate::config::Scope;
use crate::exposures::Exposures;
use crate::live::{Keeper, Markets};
use crate::metrics;

/// Bytes in the body of a push; in any other, 2 MB, as axum has it.
const LARGEST_PUSH: usize = 32 << 20;

/// What requests count as that none of the routes took.
const NO_ROUTE: &str = "none";

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)))]
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
    /// A request may take so long.
    pub longest: Duration,
}

impl Service {
    /// Open to all, for ever.
    pub fn new(keeper: Arc<Keeper>) -> Self {
        let (markets, exposures) = (keeper.markets().clone(), keeper.exposures().clone());
        let (keys, stopping) = (Arc::default(), watch::channel(false).1);
        Self { markets, keeper, keys, exposures, stopping, longest: Duration::from_secs(30) }
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
fn v1(access: &Access) -> OpenApiRouter<Shared> {
    let push = |routes| access.open_to(Scope::Push, routes);
    let pushes = OpenApiRouter::new()
        .routes(push(routes!(offers::replace)))
        .routes(push(routes!(stock::update)))
        .routes(push(routes!(rules::replace, rules::list)))
        .route_layer(DefaultBodyLimit::max(LARGEST_PUSH));
    let question = |routes| access.open_to(Scope::Recommend, routes);
    let questions = OpenApiRouter::new()
        .routes(question(routes!(markets::list)))
        .routes(question(routes!(bought_together::item)))
        .routes(question(routes!(bought_together::cart)))
        .routes(question(routes!(why_not::item)))
        .routes(question(routes!(alternatives::item)))
        .routes(question(routes!(offers::of_customer)))
        .routes(access.open_to(Scope::Audience, routes!(offers::audience)))
        .routes(access.open_to(Scope::Events, routes!(events::record)));
    administration(access).merge(health(access)).merge(questions).merge(pushes)
}

fn administration(access: &Access) -> OpenApiRouter<Shared> {
    let change = |routes| access.open_to(Scope::Admin, routes);
    OpenApiRouter::new()
        .routes(change(routes!(models::list)))
        .routes(change(routes!(models::set_current)))
        .routes(change(routes!(erasure::erase)))
}

/// Open to whoever looks after the process.
fn health(access: &Access) -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(access.open_to_all(routes!(admin::live)))
        .routes(access.open_to_all(routes!(admin::ready)))
}

/// Who may ask, and for how long.
#[derive(Clone, Debug, Default)]
struct Access {
    keys: Arc<Keys>,
    longest: Duration,
}

impl Access {
    fn of(service: &Service) -> Self {
        Self { keys: service.keys.clone(), longest: service.longest }
    }

    /// The routes of a path, for keys that have the scope.
    fn open_to(&self, scope: Scope, mut routes: UtoipaMethodRouter<Shared>) -> UtoipaMethodRouter<Shared> {
        document::describe(&mut routes.1, Some(scope));
        count(&routes);
        let observe = self.observe(path(&routes));
        let layers = (observe.clone(), Require(self.keys.clone(), scope));
        routes.map(|methods| {
            let audited = matches!(scope, Scope::Push | Scope::Admin);
            let methods = if audited { methods.route_layer(from_fn(audit)) } else { methods };
            methods.route_layer(layers).fallback(other_method.layer(observe))
        })
    }

    /// The routes of a path, without a key.
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

/// Has what is counted of some routes be there from the start.
fn count((_, described, _): &UtoipaMethodRouter<Shared>) {
    for (path, item) in &described.paths {
        let methods =
            [("GET", &item.get), ("PUT", &item.put), ("POST", &item.post), ("other", &item.delete)].into_iter();
        methods.filter(|(_, operation)| operation.is_some()).for_each(|(method, _)| metrics::route_known(method, path));
    }
}

fn path((_, described, _): &UtoipaMethodRouter<Shared>) -> &str {
    described.paths.keys().next().map_or(NO_ROUTE, String::as_str)
}

/// The API's description.
pub fn openapi() -> serde_json::Value {
    let routes = OpenApiRouter::with_openapi(Document::openapi()).merge(v1(&Access::default()));
    document::finished(routes.split_for_parts().1)
}

/// The API.
pub fn router(service: Service) -> Router {
    let access = Access::of(&service);
    finished(described(service, &access), &access)
}

/// All that the API answers too, so that the page of the description can ask; and metrics and that page.
pub fn admin_router(service: Service, handle: PrometheusHandle) -> Router {
    let access = Access::of(&service);
    let metrics = Router::new()
        .route("/metrics", get(admin::metrics))
        .route_layer((access.observe("/metrics"), Require(service.keys.clone(), Scope::Metrics)))
        .with_state((service.keeper.clone(), handle));
    let page = Router::new()
        .route("/docs", get(docs::page))
        .route("/docs/", get(docs::index))
        .route("/docs/{file}", get(docs::asset))
        .route_layer(access.observe("/docs"));
    finished(described(service, &access).merge(metrics).merge(page), &access)
}

/// The routes, and what describes them.
fn described(service: Service, access: &Access) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi()).merge(v1(access)).split_for_parts();
    // Written once: it does not change.
    let document = Bytes::from(serde_json::to_vec(&document::finished(document)).unwrap_or_default());
    router.with_state(Shared(Arc::new(service))).route(
        "/openapi.json",
        get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document.clone()) })
            .layer(access.observe("/openapi.json")),
    )
}

/// With problems for whatever has no handler.
fn finished(router: Router, access: &Access) -> Router {
    let nothing = || async { Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path; see /openapi.json") };
    router
        .fallback(nothing.layer(access.observe(NO_ROUTE)))
        .method_not_allowed_fallback(other_method.layer(access.observe(NO_ROUTE)))
}

async fn other_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method; see /openapi.json")
}
