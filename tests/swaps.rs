//! Models are swapped under load.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::StatusCode;
use common::Service;
use serde_json::{Value, json};

const QUESTION: &str = "/v1/markets/de/items/bread/bought-together?limit=3&customer=anna";

/// The content of an answer without its ID. It must have items, because two errors are equal too.
fn content(body: &Value) -> Value {
    let (model, items) = (&body["model"], &body["items"]);
    assert!(model.is_string() && items.as_array().is_some_and(|items| !items.is_empty()), "no answer: {body}");
    json!({ "model": model, "items": items })
}

async fn answer(service: &Service, path: &str) -> Value {
    let (status, body) = service.get(path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    content(&body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_fails_and_no_answer_is_of_two_models_while_models_are_swapped() {
    let swaps = std::env::var("TROLLEY_SWAPS").ok().and_then(|swaps| swaps.parse().ok()).unwrap_or(100);
    let service = Arc::new(Service::new().await);
    let first = answer(&service, QUESTION).await;
    // Trained on half of the baskets: the same query has other scores.
    let half: Vec<String> = common::transactions().lines().step_by(2).map(str::to_owned).collect();
    let header = common::transactions().lines().next().unwrap().to_owned();
    let body: Vec<String> = half.into_iter().filter(|line| *line != header).collect();
    common::train_on(service.folder.path(), "de", 1_710_000_100, &format!("{header}\n{}\n", body.join("\n")));
    service.state_sync.refresh().await;
    let second = answer(&service, QUESTION).await;
    assert_ne!(first["model"], second["model"]);
    assert_ne!(first["items"], second["items"], "two models that answer alike show nothing");
    let known: HashMap<String, Value> =
        [&first, &second].map(|body| (body["model"].as_str().unwrap().to_owned(), body.clone())).into();

    let (ended, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (service, known, ended, asked) = (service.clone(), known.clone(), ended.clone(), asked.clone());
            tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    let (status, body) = service.get(QUESTION).await;
                    assert_eq!(status, StatusCode::OK, "{body}");
                    assert_eq!(content(&body), known[body["model"].as_str().unwrap()]);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for swap in 0..swaps {
        let version = if swap % 2 == 0 { &first["model"] } else { &second["model"] };
        let body = json!({ "version": version }).to_string();
        let (status, answer) = service.json("PUT", "/v1/markets/de/models/current", &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    ended.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(asked.load(Ordering::Relaxed) > swaps, "{} requests", asked.load(Ordering::Relaxed));
}

#[tokio::test]
async fn an_artefact_that_vanishes_or_is_cut_while_it_serves_changes_no_answer() {
    let service = Service::new().await;
    let before = answer(&service, QUESTION).await;
    let folder = service.folder.path().join("models/de").join(before["model"].as_str().unwrap());
    for entry in std::fs::read_dir(&folder).unwrap() {
        std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap().set_len(10).unwrap();
    }
    service.state_sync.refresh().await;
    assert_eq!(answer(&service, QUESTION).await, before);
    std::fs::remove_dir_all(&folder).unwrap();
    service.state_sync.refresh().await;
    assert_eq!(answer(&service, QUESTION).await, before);
}

#[tokio::test]
async fn a_market_comes_and_goes_by_data_alone() {
    let service = Service::new().await;
    let question = QUESTION.replace("/de/", "/fr/");
    assert_eq!(service.get(&question).await.0, StatusCode::NOT_FOUND);
    common::train(service.folder.path(), "fr", 1_710_000_000);
    service.state_sync.refresh().await;
    assert_eq!(service.get(&question).await.0, StatusCode::OK);
    service.markets.registry().retire(&common::name("fr")).unwrap();
    service.state_sync.refresh().await;
    assert_eq!(service.get(&question).await.0, StatusCode::NOT_FOUND);
    assert_eq!(service.get(QUESTION).await.0, StatusCode::OK, "others stay");
}

#[tokio::test]
async fn a_market_that_comes_back_knows_what_was_pushed() {
    let service = Service::new().await;
    let body = json!({ "updates": [{ "item": "butter", "in_stock": false, "sequence": 1 }] }).to_string();
    assert_eq!(service.json("PUT", "/v1/markets/de/stock", &body).await.0, StatusCode::OK);
    let items = async || answer(&service, QUESTION).await["items"].clone();
    let known = items().await;
    let nobody = answer(&service, &QUESTION.replace("&customer=anna", "")).await["items"].clone();
    assert_ne!(known, nobody, "an answer that is the same for all shows nothing");
    assert_eq!(service.json("DELETE", "/v1/markets/de/customers/anna", "").await.0, StatusCode::OK);
    assert_eq!(items().await, nobody);
    service.markets.registry().retire(&common::name("de")).unwrap();
    service.state_sync.refresh().await;
    assert_eq!(service.get(QUESTION).await.0, StatusCode::NOT_FOUND);
    common::train(service.folder.path(), "de", 1_710_000_100);
    service.state_sync.refresh().await;
    assert!(!service.ids(QUESTION).await.contains(&"butter".to_owned()), "it is still out of stock");
    assert_eq!(items().await, nobody, "who was erased stays unknown");
}

#[tokio::test]
async fn a_market_that_comes_damaged_does_not_take_the_others_out_of_service() {
    let service = Service::new().await;
    common::train(service.folder.path(), "empty", 1_710_000_000);
    service.state_sync.refresh().await;
    assert_eq!(service.get("/health/ready").await.0, StatusCode::OK);
    let version = common::train(service.folder.path(), "fr", 1_710_000_000).version;
    let file = service.folder.path().join("models/fr").join(version).join("items.input.fifu");
    std::fs::write(file, "nothing of the kind").unwrap();
    service.state_sync.refresh().await;
    assert_eq!(service.get(&QUESTION.replace("/de/", "/fr/")).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(service.get("/health/ready").await.0, StatusCode::OK);
}
