//! Bought together, with the settings of config and request.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use common::Service;
use serde_json::{Value, json};

async fn items(service: &Service, path: &str) -> Vec<Value> {
    let (_, body) = service.get(path).await;
    body["items"].as_array().unwrap_or_else(|| panic!("{path}: {body}")).clone()
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

const BREAD: &str = "/v1/markets/de/items/bread/bought-together";

#[tokio::test]
async fn sensitive_kinds_are_kept_apart_and_not_spoken_of() {
    let kinds = |more: Value| {
        let mut sensitive = json!({"milk": ["dairy"], "hot": ["drinks"]});
        sensitive.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sensitive
    };
    let plain = Service::new().await;
    let found = items(&plain, "/v1/markets/de/items/tea/bought-together").await;
    assert!(ids(&found).iter().any(|id| id.starts_with("milk")), "{found:?}");
    let found = items(&plain, &format!("{BREAD}?customer=anna&explain=true")).await;
    let is_told = |item: &Value| item["reasons"].as_array().unwrap().iter().any(|reason| reason["kind"] == "bought");
    assert!(is_told(&found[0]), "{found:?}");

    let service = Service::configured(kinds(json!({"apart": [["hot", "milk"]], "discreet": ["milk"]})), 0).await;
    for path in ["/v1/markets/de/items/tea/bought-together", "/v1/markets/de/items/tea/bought-together?customer=anna"] {
        let found = items(&service, path).await;
        assert!(ids(&found).iter().all(|id| !id.starts_with("milk") && *id != "butter"), "{found:?}");
    }
    let found = items(&service, "/v1/markets/de/items/milk-a/bought-together?customer=anna").await;
    assert!(!ids(&found).contains(&"tea"), "nor the other way round: {found:?}");
    for path in
        [BREAD.to_owned(), format!("{BREAD}?customer=anna&explain=true"), format!("{BREAD}?customer=bert&new=2")]
    {
        let found = items(&service, &path).await;
        let has = |one: &dyn Fn(&str) -> bool| ids(&found).into_iter().any(one);
        assert!(!(has(&|id| id == "tea") && has(&|id| id.starts_with("milk") || id == "butter")), "{path}: {found:?}");
        let dairy =
            found.iter().filter(|item| item["id"] == "butter" || item["id"].as_str().unwrap().starts_with("milk"));
        for item in dairy.filter(|item| item.get("reasons").is_some()) {
            assert!(!is_told(item), "{item}");
        }
    }
}

#[tokio::test]
async fn reasons_come_first_and_the_parts_of_the_score_where_they_are_wanted() {
    let service = Service::new().await;
    let plain = items(&service, BREAD).await;
    assert!(plain[0].get("reasons").is_none() && plain[0].get("parts").is_none());
    let found = items(&service, &format!("{BREAD}?explain=true")).await;
    assert_eq!(found[0]["reasons"][0]["text"], "often bought with Bread: in most orders");
    assert_eq!(found[0]["reasons"][0]["name"], "Bread");
    assert!(found[0].get("parts").is_none());
    let found = items(&service, &format!("{BREAD}?detail=full")).await;
    let parts = found[0]["parts"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| part["share"].as_f64().unwrap()).sum();
    assert!((sum - found[0]["score"].as_f64().unwrap()).abs() < 1e-4, "{found:?}");
    let (status, body) = service.get(&format!("{BREAD}?detail=some")).await;
    assert_eq!((status.as_u16(), &body["field"]), (422, &"detail".into()), "{body}");
}

/// Only bert has bought the rare item, once and alone; anna has bought everything else.
#[tokio::test]
async fn places_go_to_what_is_new_to_the_customer() {
    let service = Service::new().await;
    let usual = items(&service, &format!("{BREAD}?customer=anna&limit=1")).await;
    assert!(!ids(&usual).contains(&"rare"));
    let (status, body) = service.get(&format!("{BREAD}?customer=anna&limit=1&new=2")).await;
    assert_eq!((status.as_u16(), &body["field"]), (422, &"new".into()), "{body}");
    let cart = json!({"items": ["bread"], "customer": "anna", "limit": 1, "new": 1}).to_string();
    let (status, body) = service.json("POST", "/v1/markets/de/bought-together", &cart).await;
    assert!(status.is_success(), "{body}");
    let found = items(&service, &format!("{BREAD}?customer=anna&limit=1&new=1")).await;
    assert_eq!(body["items"], json!(found), "a cart of one is a question about one");
    assert_eq!(ids(&found), ["rare"]);
    let configured = Service::configured(json!({}), 1).await;
    assert_eq!(items(&configured, &format!("{BREAD}?customer=anna&limit=1")).await, found);
    assert_eq!(ids(&items(&configured, &format!("{BREAD}?customer=anna&limit=1&new=0")).await), ids(&usual));
}

#[tokio::test]
async fn alternatives_have_no_places_for_what_is_new() {
    let service = Service::new().await;
    let (status, body) = service.get("/v1/markets/de/items/milk-a/alternatives?new=1").await;
    assert_eq!((status.as_u16(), &body["field"]), (422, &"new".into()), "{body}");
}
