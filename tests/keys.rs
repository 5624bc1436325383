//! Every route requires a key with its scope.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use common::Service;
use http_body_util::BodyExt;
use tower::ServiceExt;
use trolley::api::Keys;
use trolley::config::{Config, KeyConfig, Scope};

const SCOPES: [Scope; 7] =
    [Scope::Recommend, Scope::Audience, Scope::Events, Scope::Customers, Scope::Push, Scope::Admin, Scope::Metrics];

/// A key whose secret is `name`.
fn key(name: &str, scopes: &[Scope]) -> KeyConfig {
    KeyConfig {
        name: None,
        hash: blake3::hash(name.as_bytes()).to_hex().to_string(),
        scopes: scopes.to_vec(),
        markets: Vec::new(),
        events_per_day: std::num::NonZeroU32::MIN,
        per_second: None,
    }
}

/// One key per scope, called like the scope.
fn keys() -> Arc<Keys> {
    Arc::new(Keys::new(&SCOPES.map(|scope| key(scope.name(), &[scope]))).unwrap())
}

/// A service with keys, to be called with one of them.
struct Guarded {
    router: axum::Router,
    _service: Service,
}

impl Guarded {
    async fn new(keys: &[KeyConfig]) -> Self {
        let service = Service::new().await;
        let keys = Arc::new(Keys::new(keys).unwrap());
        let guarded = trolley::api::ApiState { keys, ..trolley::api::ApiState::new(service.state_sync.clone()) };
        Self { router: trolley::api::router(guarded), _service: service }
    }

    async fn ask(&self, key: &str, path: &str) -> (StatusCode, serde_json::Value) {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {key}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, serde_json::Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

/// The scope that a route requires; `None` if it is open. New routes must be added here.
fn needed(method: &str, path: &str) -> Option<Scope> {
    match (method, path) {
        (_, "/health/live" | "/health/ready") => None,
        (_, path) if path.contains("/models") => Some(Scope::Admin),
        ("put", _) => Some(Scope::Push),
        (_, path) if path.contains("/baskets") => Some(Scope::Push),
        (_, path) if path.ends_with("/buy-again") || path.ends_with("/new-for-you") => Some(Scope::Customers),
        ("delete", _) => Some(Scope::Admin),
        (_, path) if path.ends_with("/rules") => Some(Scope::Push),
        (_, "/metrics") => Some(Scope::Metrics),
        (_, path) if path.ends_with("/audience") => Some(Scope::Audience),
        (_, path) if path.ends_with("/events") => Some(Scope::Events),
        _ => Some(Scope::Recommend),
    }
}

#[tokio::test]
async fn every_route_lets_in_its_own_scope_and_no_other() {
    let service = Service::new().await;
    let guarded = trolley::api::ApiState { keys: keys(), ..trolley::api::ApiState::new(service.state_sync.clone()) };
    let open = trolley::api::ApiState { admin_on_both: true, ..guarded.clone() };
    let api = trolley::api::router(open);
    let admin = trolley::api::admin_router(guarded, trolley::metrics::install().unwrap());
    let document = serde_json::to_value(trolley::api::openapi()).unwrap();
    let described = document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(|method| (api.clone(), method.clone(), path.clone()))
    });
    let models = "/v1/markets/{market}/models".to_owned();
    let on_admin = [("get", "/metrics".to_owned()), ("get", models.clone()), ("put", format!("{models}/current"))]
        .map(|(method, path)| (admin.clone(), method.to_owned(), path));
    let mut walked = 0;
    for (router, method, path) in described.chain(on_admin) {
        let needed = needed(&method, &path);
        let uri = path.replace("{market}", "de").replace(['{', '}'], "");
        let ask = async |key: Option<&str>| {
            let mut request = Request::builder().method(method.to_uppercase().as_str()).uri(&uri);
            request = request.header(header::CONTENT_TYPE, "application/json");
            if let Some(key) = key {
                request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
            }
            let response = router.clone().oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap();
            (response.status(), response.headers().contains_key(header::WWW_AUTHENTICATE))
        };
        for key in [None, Some("somebody's guess")] {
            let (status, challenged) = ask(key).await;
            assert_eq!(status == StatusCode::UNAUTHORIZED, needed.is_some(), "{method} {path}: {status}");
            assert_eq!(challenged, needed.is_some(), "{method} {path}");
        }
        for scope in SCOPES {
            let (status, _) = ask(Some(scope.name())).await;
            let refused = status == StatusCode::FORBIDDEN || status == StatusCode::UNAUTHORIZED;
            assert_eq!(refused, needed.is_some_and(|needed| needed != scope), "{method} {path} {scope:?}: {status}");
        }
        walked += 1;
    }
    assert!(walked >= 19, "{walked} routes");
}

#[test]
fn without_keys_only_this_machine_gets_in() {
    let config = |text: &str| Config::parse(text).unwrap().server.check();
    assert!(config("").is_ok());
    assert!(config("[server]\nlisten = \"[::1]:8080\"").is_ok());
    for text in ["[server]\nlisten = \"0.0.0.0:8080\"", "[server]\nadmin_listen = \"192.168.0.1:9090\""] {
        let error = config(text).unwrap_err().to_string();
        assert!(error.contains("trolley key") && error.contains("127.0.0.1"), "{error}");
        assert!(config(&format!("{text}\n[[server.keys]]\nhash = \"x\"\nscopes = [\"push\"]")).is_ok());
    }
    let bad = KeyConfig { hash: "x".into(), ..key("", &[Scope::Push]) };
    assert!(Keys::new(&[bad]).unwrap_err().contains("server.keys[0].hash"));
    assert!(Keys::new(&[key("", &[Scope::Push])]).unwrap_err().contains("the hash of nothing"));
}

/// The server of a shop's pages only needs recommendations: its key does not give access to purchases.
#[tokio::test]
async fn a_storefronts_key_reads_no_customers() {
    let guarded =
        Guarded::new(&[key("page", &[Scope::Recommend]), key("desk", &[Scope::Recommend, Scope::Customers])]).await;
    let questions = [
        "items/bread/bought-together?customer=anna&detail=full",
        "items/milk-a/alternatives?customer=anna&detail=full",
    ];
    let told = ["habit", "purchases", "lately", "due", "taste"];
    for question in questions {
        let path = format!("/v1/markets/de/{question}");
        let [(page, seen), (desk, all)] = [guarded.ask("page", &path).await, guarded.ask("desk", &path).await];
        assert_eq!((page, desk), (StatusCode::OK, StatusCode::OK));
        let ids = |body: &serde_json::Value| common::ids(body);
        assert_eq!(ids(&seen), ids(&all), "the answer is the same");
        let [seen, all] = [seen.to_string(), all.to_string()];
        assert!(told.iter().any(|signal| all.contains(&format!("\"{signal}\""))), "{all}");
        assert!(!told.iter().any(|signal| seen.contains(&format!("\"{signal}\""))), "{seen}");
        assert!(!seen.contains("\"bought\"") && !seen.contains("you "), "{seen}");
    }
    let why_not = "/v1/markets/de/items/bread/bought-together/why-not/tea";
    let personal = format!("{why_not}?customer=anna");
    assert_eq!(guarded.ask("page", why_not).await.0, StatusCode::OK);
    assert_eq!(guarded.ask("page", &personal).await.0, StatusCode::FORBIDDEN);
    assert_eq!(guarded.ask("desk", &personal).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_key_of_one_market_opens_no_other() {
    let of = |name: &str, market: &str| KeyConfig {
        markets: vec![common::name(market)],
        ..key(name, &[Scope::Recommend, Scope::Customers])
    };
    let guarded = Guarded::new(&[of("german", "de"), of("french", "fr")]).await;
    let path = "/v1/markets/de/items/bread/bought-together";
    assert_eq!(guarded.ask("german", path).await.0, StatusCode::OK);
    for path in [path, "/v1/markets/d%65/items/bread/bought-together"] {
        assert_eq!(guarded.ask("french", path).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let seen = async |key| guarded.ask(key, "/v1/markets").await.1["markets"].as_array().unwrap().len();
    assert_eq!((seen("german").await, seen("french").await), (1, 0));
}

#[tokio::test]
async fn keys_are_not_guessed_at_without_end_and_what_is_large_counts_for_more() {
    let slow = KeyConfig { per_second: std::num::NonZeroU32::new(4), ..key("page", &[Scope::Recommend]) };
    let guarded = Guarded::new(&[slow]).await;
    let mut refused = Vec::new();
    for guess in 0..300 {
        refused.push(guarded.ask(&format!("guess {guess}"), "/v1/markets").await.0);
    }
    assert!(refused.contains(&StatusCode::TOO_MANY_REQUESTS), "and a machine so slow would not be guessed at");
    let large = format!("/v1/markets/de/items/bread/bought-together?exclude={}", "x,".repeat(10_000));
    let answers = [guarded.ask("page", &large).await.0, guarded.ask("page", "/v1/markets").await.0];
    assert_eq!(answers[1], StatusCode::TOO_MANY_REQUESTS, "it was as much as fits into a second");
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let service = Service::new().await;
    let key = |name: &str, per_second| KeyConfig {
        per_second: std::num::NonZeroU32::new(per_second),
        ..key(name, &[Scope::Recommend])
    };
    let keys = Arc::new(Keys::new(&[key("hasty", 5), key("calm", 0)]).unwrap());
    let service = trolley::api::ApiState { keys, ..trolley::api::ApiState::new(service.state_sync.clone()) };
    let router = trolley::api::router(service);
    let ask = async |key: &str| {
        let request = Request::get("/v1/markets").header(header::AUTHORIZATION, format!("Bearer {key}"));
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    let mut limited = 0;
    for turn in 0..20 {
        let response = ask("hasty").await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(response.headers()[header::RETRY_AFTER], "1");
            limited += 1;
        } else {
            assert_eq!(response.status(), StatusCode::OK, "request {turn}");
        }
        assert_eq!(ask("calm").await.status(), StatusCode::OK, "a key without a limit has none");
    }
    assert!((10..=15).contains(&limited), "{limited} of 20 at 5 per second");
}

#[tokio::test]
async fn with_keys_administration_is_on_its_own_address_unless_the_config_says_both() {
    let guarded = Guarded::new(&[key("desk", &[Scope::Admin])]).await;
    assert_eq!(guarded.ask("desk", "/v1/markets/de/models").await.0, StatusCode::NOT_FOUND);
    let service = Service::new().await;
    assert_eq!(service.get("/v1/markets/de/models").await.0, StatusCode::OK, "without keys it is on both");
}

/// DNS rebinding: a page of another site can point its own name to this machine's address.
#[tokio::test]
async fn without_keys_only_requests_to_this_machine_are_answered() {
    let service = Service::new().await;
    let ask = async |host: &str| {
        let request = Request::get("/v1/markets").header(header::HOST, host).body(Body::empty()).unwrap();
        service.send(request).await.0
    };
    for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "shop.localhost", "LOCALHOST."] {
        assert_eq!(ask(host).await, StatusCode::OK, "{host}");
    }
    for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "[::2]", "a b"] {
        assert_eq!(ask(host).await, StatusCode::FORBIDDEN, "{host}");
    }
    let guarded = Guarded::new(&[key("page", &[Scope::Recommend])]).await;
    let request = Request::get("/v1/markets").header(header::HOST, "shop.example");
    let request = request.header(header::AUTHORIZATION, "Bearer page").body(Body::empty()).unwrap();
    assert_eq!(guarded.send(request).await.0, StatusCode::OK, "any host is accepted with a key");
}

#[tokio::test]
async fn a_key_may_send_so_many_events_a_day_and_only_of_answers_that_there_were() {
    let most = std::num::NonZeroU32::new(3).unwrap();
    let guarded =
        Guarded::new(&[KeyConfig { events_per_day: most, ..key("app", &[Scope::Recommend, Scope::Events]) }]).await;
    let path = "/v1/markets/de/items/bread/bought-together";
    let id = guarded.ask("app", path).await.1["recommendation_id"].as_str().unwrap().to_owned();
    let send = async |events: &[(&str, &str)]| {
        let event = |(name, of): &(&str, &str)| serde_json::json!({"id": name, "recommendation_id": of, "kind": "click", "item": "butter"});
        let body = serde_json::json!({ "events": events.iter().map(event).collect::<Vec<_>>() });
        let request = Request::post("/v1/markets/de/events").header(header::AUTHORIZATION, "Bearer app");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        guarded.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let invented = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let (status, body) = send(&[("1", invented), ("2", invented)]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    let (status, body) = send(&[("1", &id), ("2", invented), ("3", &id)]).await;
    assert_eq!((status, &body["accepted"], &body["rejected"][0]["row"]), (StatusCode::OK, &2.into(), &1.into()));
    assert_eq!(send(&[("4", &id), ("5", &id)]).await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(send(&[("4", &id)]).await.0, StatusCode::OK, "none of the two was taken in");
}
