//! Acknowledged pushes are there after a restart, and on other replicas.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use axum::http::StatusCode;
use common::Service;

const PUSHES: [(&str, &str); 3] = [
    ("offers", r#"{"offers": [{"id": "o1", "items": ["tea"], "numbers": {"discount": 0.5}}]}"#),
    ("stock", r#"{"updates": [{"item": "butter", "in_stock": false, "sequence": 9}]}"#),
    ("rules", r#"{"rules": [{"id": "r", "block": {"item": "milk-a"}}]}"#),
];

async fn push_all(service: &Service) {
    for (what, body) in PUSHES {
        let (status, answer) = service.json("PUT", &format!("/v1/markets/de/{what}"), body).await;
        assert_eq!(status, StatusCode::OK, "{what}: {answer}");
    }
}

async fn knows_all(service: &Service) -> bool {
    let found = service.ids("/v1/markets/de/items/bread/bought-together").await;
    let hidden = |item: &str| !found.contains(&item.to_owned());
    service.ids("/v1/markets/de/customers/anna/offers").await == ["o1"] && hidden("butter") && hidden("milk-a")
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let service = Service::new().await;
    assert!(!knows_all(&service).await);
    push_all(&service).await;
    assert!(knows_all(&service).await);
    let service = service.restarted().await;
    assert!(knows_all(&service).await);
    let stale = r#"{"updates": [{"item": "butter", "in_stock": true, "sequence": 8}]}"#;
    let (_, body) = service.json("PUT", "/v1/markets/de/stock", stale).await;
    assert_eq!((&body["accepted"], &body["stale"]), (&0.into(), &1.into()), "sequences are remembered too");
}

#[tokio::test]
async fn what_is_replaced_as_a_whole_is_not_replaced_by_what_is_late() {
    let service = Service::new().await;
    let offers = |sequence: u8, id: &str| {
        format!(r#"{{"sequence": {sequence}, "offers": [{{"id": "{id}", "items": ["tea"]}}]}}"#)
    };
    for (sequence, id, accepted, stale) in [(5, "new", 1, None), (4, "late", 0, Some(1)), (5, "twice", 0, Some(1))] {
        let (status, body) = service.json("PUT", "/v1/markets/de/offers", &offers(sequence, id)).await;
        assert_eq!(
            (status, body["accepted"].as_u64(), body["stale"].as_u64()),
            (StatusCode::OK, Some(accepted), stale)
        );
        assert_eq!(service.ids("/v1/markets/de/customers/anna/offers").await, ["new"]);
    }
    let (_, body) = service.json("PUT", "/v1/markets/de/rules", r#"{"sequence": 2, "rules": []}"#).await;
    assert_eq!(body["stale"].as_u64(), None);
    let (_, body) = service.json("PUT", "/v1/markets/de/rules", r#"{"sequence": 1, "rules": []}"#).await;
    assert_eq!(body["stale"].as_u64(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_sees_what_was_pushed() {
    let here = Service::new().await;
    let url = format!("sqlite:{}", here.folder.path().join("state.sqlite").display());
    let there = tempfile::tempdir().unwrap();
    common::train(there.path(), "de", 1_710_000_000);
    let there = Service::started(there, &url).await;
    tokio::spawn(there.state_sync.clone().follow());
    push_all(&here).await;
    for _ in 0..40 {
        if knows_all(&there).await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("not within two seconds");
}

#[tokio::test]
async fn a_market_that_comes_later_finds_its_state() {
    let service = Service::new().await;
    push_all(&service).await;
    let body = r#"{"updates": [{"item": "butter", "in_stock": false, "sequence": 1}]}"#;
    let (status, _) = service.json("PUT", "/v1/markets/empty/stock", body).await;
    assert_eq!(status, StatusCode::OK, "a market without a model takes pushes");
    common::train(service.folder.path(), "empty", 1_710_000_000);
    service.state_sync.refresh().await;
    let found = service.ids("/v1/markets/empty/items/bread/bought-together").await;
    assert!(!found.contains(&"butter".to_owned()), "{found:?}");
}
