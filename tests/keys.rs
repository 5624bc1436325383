//! Every route asks for a key of its scope.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use common::Service;
use tower::ServiceExt;
use trolley::api::Keys;
use trolley::config::{Config, KeyConfig, Scope};

const SCOPES: [Scope; 4] = [Scope::Recommend, Scope::Push, Scope::Admin, Scope::Metrics];

/// A key for each scope, by its name.
fn keys() -> Arc<Keys> {
    let key = |scope: Scope| KeyConfig {
        name: None,
        hash: blake3::hash(scope.name().as_bytes()).to_hex().to_string(),
        scopes: vec![scope],
        per_second: None,
    };
    Arc::new(Keys::new(&SCOPES.map(key)).unwrap())
}

/// Which scope a route needs; `None` if it is open. A new route must be put here.
fn needed(method: &str, path: &str) -> Option<Scope> {
    match (method, path) {
        (_, "/health/live" | "/health/ready") => None,
        (_, path) if path.contains("/models") => Some(Scope::Admin),
        ("put", _) => Some(Scope::Push),
        ("delete", _) => Some(Scope::Admin),
        (_, path) if path.ends_with("/rules") => Some(Scope::Push),
        (_, "/metrics") => Some(Scope::Metrics),
        _ => Some(Scope::Recommend),
    }
}

#[tokio::test]
async fn every_route_lets_in_its_own_scope_and_no_other() {
    let service = Service::new().await;
    let guarded = trolley::api::Service { keys: keys(), ..trolley::api::Service::new(service.keeper.clone()) };
    let api = trolley::api::router(guarded.clone());
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
    let bad = KeyConfig { name: None, hash: "x".into(), scopes: vec![Scope::Push], per_second: None };
    assert!(Keys::new(&[bad]).unwrap_err().contains("server.keys[0].hash"));
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let service = Service::new().await;
    let key = |name: &str, per_second| KeyConfig {
        name: None,
        hash: blake3::hash(name.as_bytes()).to_hex().to_string(),
        scopes: vec![Scope::Recommend],
        per_second: std::num::NonZeroU32::new(per_second),
    };
    let keys = Arc::new(Keys::new(&[key("hasty", 5), key("calm", 0)]).unwrap());
    let service = trolley::api::Service { keys, ..trolley::api::Service::new(service.keeper.clone()) };
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
