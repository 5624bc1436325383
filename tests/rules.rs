//! The shop's rules, and the reasons why an item is not in an answer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use axum::http::StatusCode;
use common::{Service, ids};
use serde_json::{Value, json};

const BREAD: &str = "/v1/markets/de/items/bread/bought-together";

async fn push(service: &Service, rules: Value) -> (StatusCode, Value) {
    service.json("PUT", "/v1/markets/de/rules", &json!({"rules": rules}).to_string()).await
}

async fn with_rules(rules: Value) -> Service {
    let service = Service::new().await;
    let (status, body) = push(&service, rules).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    service
}

#[tokio::test]
async fn a_blocked_item_is_not_shown_where_it_is_blocked() {
    let service = with_rules(json!([{"id": "r", "block": {"item": "butter", "for_items": ["bread"]}}])).await;
    assert!(!service.ids(BREAD).await.contains(&"butter".into()));
    assert!(service.ids("/v1/markets/de/items/milk-a/bought-together").await.contains(&"butter".into()));

    push(&service, json!([{"id": "r", "block": {"item": "butter", "for_categories": ["bakery"]}}])).await;
    assert!(!service.ids(BREAD).await.contains(&"butter".into()));
    assert!(service.ids("/v1/markets/de/items/milk-a/bought-together").await.contains(&"butter".into()));

    push(&service, json!([{"id": "r", "block": {"item": "butter"}}])).await;
    for path in [BREAD, "/v1/markets/de/items/milk-a/bought-together", "/v1/markets/de/items/milk-a/alternatives"] {
        let found = service.ids(path).await;
        // For milk there is one other milk and a new one.
        let fewest = if path.ends_with("alternatives") { 2 } else { 5 };
        assert!(!found.contains(&"butter".into()) && found.len() >= fewest, "{path}: {found:?}");
    }
    let offers = r#"{"offers": [{"id": "o1", "items": ["butter"]}, {"id": "o2", "items": ["butter", "tea"]}]}"#;
    service.json("PUT", "/v1/markets/de/offers", offers).await;
    let (_, body) = service.get("/v1/markets/de/customers/anna/offers").await;
    assert_eq!((ids(&body), &body["items"][0]["item"]), (vec!["o2".to_owned()], &"tea".into()));
    assert!(service.ids("/v1/markets/de/offers/o1/audience").await.is_empty());

    push(&service, json!([])).await;
    assert!(!service.ids("/v1/markets/de/offers/o1/audience").await.is_empty());
    assert_eq!(service.ids(BREAD).await[0], "butter", "without rules all is as it was");
}

/// Anonymous answers are cached: later rules apply to them like earlier ones.
#[tokio::test]
async fn cached_answers_follow_the_rules_as_they_are_now() {
    const PATHS: [&str; 3] =
        [BREAD, "/v1/markets/de/items/milk-a/bought-together", "/v1/markets/de/items/milk-a/alternatives"];
    let asked_before = Service::new().await;
    let answers = async |service: &Service| {
        let mut all = Vec::new();
        for path in PATHS {
            all.push(service.ids(path).await);
        }
        all
    };
    let without = answers(&asked_before).await;
    for rules in [
        json!([{"id": "r", "block": {"item": "butter"}}]),
        json!([{"id": "r", "block": {"item": "milk-b", "for_items": ["milk-a"]}}]),
        json!([{"id": "r", "boost": {"item": "milk-b", "by": 5.0}}]),
        json!([{"id": "r", "pin": {"item": "tea", "to": "bread"}}, {"id": "s", "block": {"item": "tea", "for_items": ["milk-a"]}}]),
    ] {
        let (status, body) = push(&asked_before, rules.clone()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let cached = answers(&asked_before).await;
        assert_eq!(cached, answers(&with_rules(rules.clone()).await).await, "{rules}");
        assert_ne!(cached, without, "{rules}");
    }
    push(&asked_before, json!([])).await;
    assert_eq!(answers(&asked_before).await, without);
}

#[tokio::test]
async fn blocked_pairs_of_categories_do_not_meet_either_way() {
    let service = with_rules(json!([{"id": "r", "block_pair": ["dairy", "bakery"]}])).await;
    let found = service.ids(BREAD).await;
    assert!(found.iter().all(|item| !item.contains("milk") && item != "butter"), "{found:?}");
    let found = service.ids("/v1/markets/de/items/milk-a/bought-together").await;
    assert!(!found.contains(&"bread".into()) && found.contains(&"butter".into()), "{found:?}");
}

#[tokio::test]
async fn a_pinned_item_comes_first_if_it_may_be_shown() {
    let service = with_rules(json!([{"id": "tea-time", "pin": {"item": "rare", "to": "bread"}}])).await;
    let (_, body) = service.get(&format!("{BREAD}?explain=true&limit=2")).await;
    assert_eq!(ids(&body), ["rare", "butter"]);
    assert_eq!(body["items"][0]["tier"], "pinned");
    assert_eq!(body["items"][0]["reasons"][0]["text"], "rule tea-time");
    assert_ne!(service.ids("/v1/markets/de/items/tea/bought-together").await[0], "rare");
    let gone = r#"{"updates": [{"item": "rare", "in_stock": false, "sequence": 1}]}"#;
    service.json("PUT", "/v1/markets/de/stock", gone).await;
    assert_eq!(service.ids(BREAD).await[0], "butter");
}

#[tokio::test]
async fn boosts_move_items_and_are_told() {
    let service = with_rules(json!([{"id": "down", "boost": {"item": "butter", "by": -50}},
        {"id": "up", "boost": {"item": "milk-b", "by": 60.5}}]))
    .await;
    let (_, body) = service.get(&format!("{BREAD}?detail=full")).await;
    let found = ids(&body);
    assert_eq!(found[0], "milk-b");
    assert_ne!(found[1], "butter");
    let milk = &body["items"][0];
    assert_eq!(milk["parts"][0]["signal"], "boost", "{body}");
    assert!(milk["reasons"].as_array().unwrap().iter().any(|reason| reason["text"] == "rule up"), "{body}");
    let parts = milk["parts"].as_array().unwrap().iter();
    let sum: f64 = parts.map(|part| part["share"].as_f64().unwrap()).sum();
    assert!((sum - milk["score"].as_f64().unwrap()).abs() < 1e-3, "the parts sum up: {milk}");
}

#[tokio::test]
async fn wrong_rules_are_named_and_change_nothing() {
    let service = with_rules(json!([{"id": "r", "block": {"item": "butter"}}])).await;
    let rules = json!([{"id": "a"}, {"id": "b", "pin": {"item": "x"}}, {"id": "c", "boost": {"item": "x", "by": 101}},
        {"id": "d", "boost": {"by": 1}}, {"id": "e", "block": {"item": ""}}, {"id": "f", "hide": {"item": "x"}},
        {"id": "g", "block_pair": ["x"]}, {"id": "h", "block": {"item": "tea"}}, {"id": "h", "block": {"item": "x"}},
        {"id": "i", "block": {"item": "x"}, "pin": {"item": "x", "to": "y"}}]);
    let (status, body) = push(&service, rules).await;
    let wrong: Vec<u64> = body["rejected"].as_array().unwrap().iter().map(|row| row["row"].as_u64().unwrap()).collect();
    assert_eq!((status, wrong), (StatusCode::UNPROCESSABLE_ENTITY, vec![0, 1, 2, 3, 4, 5, 6, 8, 9]), "{body}");
    let (_, body) = service.get("/v1/markets/de/rules").await;
    assert_eq!(body["rules"], json!([{"id": "r", "block": {"item": "butter"}}]));
}

#[tokio::test]
async fn why_not_says_what_is_in_the_way() {
    let service = with_rules(json!([{"id": "no-tea", "block": {"item": "tea", "for_items": ["bread"]}}])).await;
    let gone = r#"{"updates": [{"item": "milk-b", "in_stock": false, "sequence": 1}]}"#;
    service.json("PUT", "/v1/markets/de/stock", gone).await;
    let ask = async |other: &str, query: &str| service.get(&format!("{BREAD}/why-not/{other}{query}")).await.1;
    for (other, verdict) in [
        ("unheard-of", "unknown"),
        ("bread", "asked_about"),
        ("milk-b", "out_of_stock"),
        ("tea", "blocked"),
        ("butter", "shown"),
    ] {
        assert_eq!(ask(other, "").await["verdict"], verdict, "{other}");
    }
    assert_eq!(ask("tea", "").await["rule"], "no-tea");
    assert_eq!(ask("butter", "").await["rank"], 1);
    assert_eq!(service.get("/v1/markets/nowhere/items/a/bought-together/why-not/b").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_outranked_is_told_by_what() {
    let service = Service::new().await;
    // New milk was never bought, so it is no candidate.
    let (_, body) = service.get(&format!("{BREAD}/why-not/new-milk")).await;
    assert_eq!(body["verdict"], "no_candidate", "{body}");
    // Butter, one milk and the rare item are candidates; tea and the other milk are bought with bread significantly
    // less often than by chance.
    let pin = |id: &str, item: &str| json!({"id": id, "pin": {"item": item, "to": "bread"}});
    push(&service, json!([pin("a", "new-milk"), pin("b", "bread"), pin("c", "ginger/lemon ü%"), pin("d", "anise")]))
        .await;
    let shown = service.ids(BREAD).await;
    assert!(!shown.contains(&"tea".to_owned()), "{shown:?}");
    let (_, body) = service.get(&format!("{BREAD}/why-not/tea")).await;
    assert_eq!(body["verdict"], "no_candidate", "it is never bought with bread: {body}");
    push(&service, json!([pin("a", "new-milk"), pin("b", "tea"), pin("c", "ginger/lemon ü%"), pin("d", "milk-a")]))
        .await;
    let shown = service.ids(BREAD).await;
    let sold = ["butter", "milk-b", "rare"];
    let missed = sold.into_iter().find(|item| !shown.contains(&(*item).to_owned())).unwrap();
    let (_, body) = service.get(&format!("{BREAD}/why-not/{missed}")).await;
    assert_eq!(body["verdict"], "outranked", "{body}");
    assert!(body["rank"].as_u64().unwrap() >= 3, "{body}");
    assert_eq!(body["last_shown"]["item"], shown[5].as_str());
    let (score, last) = (body["score"].as_f64().unwrap(), body["last_shown"]["score"].as_f64().unwrap());
    assert!(score <= last, "{body}");
    let behind = body["behind"].as_array().unwrap();
    assert!(!behind.is_empty() && behind.iter().all(|part| part["difference"].as_f64().unwrap() < 0.0), "{body}");
}
