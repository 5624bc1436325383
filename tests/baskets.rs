//! Pushed baskets change the next answer, once, everywhere, and for good.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;
#[path = "baskets/live.rs"]
mod live;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use common::Service;
use serde_json::{Value, json};

const PUSH: &str = "/v1/markets/de/baskets";

/// The tiny shop's last day is 2024-03-24.
fn basket(id: &str, customer: &str, day: &str, items: &[&str]) -> Value {
    let items: Vec<Value> = items.iter().map(|item| json!({ "id": item })).collect();
    json!({ "id": id, "customer": customer, "time": format!("{day}T12:00:00Z"), "items": items })
}

async fn push(service: &Service, baskets: &[Value]) -> Value {
    let (status, answer) = service.json("POST", PUSH, &json!({ "baskets": baskets }).to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

/// The IDs that a customer will buy again.
async fn again(service: &Service, customer: &str) -> Vec<String> {
    service.ids(&format!("/v1/markets/de/customers/{customer}/buy-again?limit=50")).await
}

/// The items of an answer to a customer, with all reasons and parts.
async fn answer(service: &Service, customer: &str) -> Value {
    let path = format!("/v1/markets/de/items/bread/bought-together?limit=6&customer={customer}&detail=full");
    let (status, body) = service.get(&path).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["items"].clone()
}

async fn market(service: &Service) -> Value {
    let (_, body) = service.get("/v1/markets").await;
    body["markets"].as_array().unwrap().iter().find(|market| market["market"] == "de").unwrap().clone()
}

#[tokio::test]
async fn who_is_new_is_answered_personally_from_the_first_basket_on() {
    let service = Service::new().await;
    let anonymous = answer(&service, "dora").await;
    assert!(again(&service, "dora").await.is_empty());
    let pushed = push(&service, &[basket("r1", "dora", "2024-03-25", &["tea", "milk-b", "unheard-of"])]).await;
    assert_eq!(pushed, json!({ "accepted": 1, "rejected": [] }));
    let mut known = again(&service, "dora").await;
    known.sort();
    assert_eq!(known, ["milk-b", "tea"], "at once, without what the model does not know");
    let personal = answer(&service, "dora").await;
    assert_ne!(personal, anonymous);
    assert_eq!(personal[0]["tier"], "model");
    let offers = json!({ "offers": [{ "id": "o1", "items": ["bread"] }, { "id": "o2", "items": ["tea"] }] });
    assert_eq!(service.json("PUT", "/v1/markets/de/offers", &offers.to_string()).await.0, StatusCode::OK);
    let (_, ranked) = service.get("/v1/markets/de/customers/dora/offers").await;
    assert_eq!((&ranked["items"][0]["id"], &ranked["items"][0]["tier"]), (&json!("o2"), &json!("model")));

    let service = service.restarted().await;
    assert_eq!(answer(&service, "dora").await, personal, "after a restart all is there");
}

#[tokio::test]
async fn the_same_basket_counts_once_in_any_order_and_a_cancelled_one_never() {
    let service = Service::new().await;
    let (one, two) = (basket("r1", "dora", "2024-03-25", &["tea"]), basket("r2", "dora", "2024-03-26", &["milk-a"]));
    push(&service, &[two.clone(), one.clone()]).await;
    let before = answer(&service, "dora").await;
    let other = basket("r1", "dora", "2024-03-27", &["butter"]);
    let again_pushed = push(&service, &[one.clone(), other, two.clone()]).await;
    assert_eq!(again_pushed, json!({ "accepted": 0, "duplicates": 3, "rejected": [] }));
    assert_eq!(answer(&service, "dora").await, before);

    let cancel = async |id: &str| service.json("DELETE", &format!("{PUSH}/{id}"), "").await.0;
    assert_eq!(cancel("r2").await, StatusCode::OK);
    assert_eq!(again(&service, "dora").await, ["tea"]);
    assert_eq!(cancel("r2").await, StatusCode::OK, "a second time changes nothing");
    assert_eq!(cancel("r3").await, StatusCode::OK, "before the basket");
    push(&service, &[two, basket("r3", "dora", "2024-03-26", &["butter"])]).await;
    assert_eq!(again(&service, "dora").await, ["tea"]);
    let service = service.restarted().await;
    assert_eq!(again(&service, "dora").await, ["tea"]);
}

#[tokio::test]
async fn another_replica_sees_it_within_a_second_and_all_of_it() {
    let service = Service::new().await;
    let url = format!("sqlite:{}", service.folder.path().join("state.sqlite").display());
    let second = tempfile::tempdir().unwrap();
    common::train(second.path(), "de", 1_710_000_000);
    let second = Service::started(second, &url).await;
    push(&service, &[basket("r1", "dora", "2024-03-25", &["tea"])]).await;
    second.state_sync.catch_up().await.unwrap();
    assert_eq!(again(&second, "dora").await, ["tea"]);
    push(&second, &[basket("r2", "dora", "2024-03-25", &["milk-a"])]).await;
    service.json("DELETE", &format!("{PUSH}/r1"), "").await;
    second.state_sync.catch_up().await.unwrap();
    service.state_sync.catch_up().await.unwrap();
    assert_eq!(
        (again(&second, "dora").await, again(&service, "dora").await),
        (vec!["milk-a".to_owned()], vec!["milk-a".to_owned()])
    );
    assert_eq!(service.json("DELETE", "/v1/markets/de/customers/dora", "").await.0, StatusCode::OK);
    second.state_sync.catch_up().await.unwrap();
    for replica in [&service, &second] {
        assert!(again(replica, "dora").await.is_empty(), "erased with all baskets");
    }
    let pushed = push(&second, &[basket("r1", "dora", "2024-03-25", &["tea"])]).await;
    assert_eq!(pushed["duplicates"], 1, "a cancelled basket stays cancelled");
    push(&second, &[basket("r9", "dora", "2024-03-26", &["tea"])]).await;
    service.state_sync.catch_up().await.unwrap();
    for replica in [&service, &second] {
        assert!(again(replica, "dora").await.is_empty(), "whoever was erased stays unknown");
    }
}

#[tokio::test]
async fn a_new_model_counts_its_own_days_and_no_basket_twice() {
    let service = Service::new().await;
    // Half of 2024-03-24 and all of the 25th are pushed, basket by basket under the IDs of the transactions table.
    let pushed = [
        basket("119", "cleo", "2024-03-24", &["bread", "butter", "milk-b"]),
        basket("500", "cleo", "2024-03-24", &["tea"]),
        basket("501", "cleo", "2024-03-25", &["tea", "milk-a"]),
    ];
    push(&service, &pushed).await;
    let times = async |service: &Service, item: &str| {
        let (_, body) = service.get("/v1/markets/de/customers/cleo/buy-again?limit=50&detail=full").await;
        let found = body["items"].as_array().unwrap().iter().find(|found| found["id"] == item).cloned();
        found.map(|found| {
            let parts = found["parts"].as_array().unwrap().clone();
            parts.iter().find(|part| part["signal"] == "habit").unwrap()["value"].as_f64().unwrap()
        })
    };
    let overlaid = times(&service, "tea").await.unwrap();
    // The next model is trained on the same baskets.
    let mut table = common::transactions();
    table.push_str("500,tea,2024-03-24,cleo\n501,tea,2024-03-25,cleo\n501,milk-a,2024-03-25,cleo\n");
    common::train_on(service.folder.path(), "de", 1_710_000_100, &table);
    service.state_sync.refresh().await;
    let counted = times(&service, "tea").await.unwrap();
    assert!((overlaid - counted).abs() < 1e-4 * counted, "{overlaid} and {counted}");
    let fresh = tempfile::tempdir().unwrap();
    common::train_on(fresh.path(), "de", 1_710_000_100, &table);
    let url = format!("sqlite:{}", fresh.path().join("state.sqlite").display());
    let never_pushed = Service::started(fresh, &url).await;
    assert_eq!(answer(&service, "cleo").await, answer(&never_pushed, "cleo").await);
}

#[tokio::test]
async fn the_clock_moves_with_enough_baskets_and_a_wrong_date_moves_nothing() {
    let service = Service::new().await;
    assert_eq!(market(&service).await["present_day"], "2024-03-24");
    assert_eq!(market(&service).await["last_basket"], Value::Null);
    push(&service, &[basket("wrong", "anna", "2025-12-31", &["tea"])]).await;
    let nobody = json!({ "id": "nobody", "time": "2024-04-02T08:00:00+02:00", "items": [{ "id": "tea" }] });
    push(&service, &[nobody]).await;
    let day = |count: usize, of: &'static str| -> Vec<Value> {
        (0..count).map(|n| basket(&format!("{of}-{n}"), &format!("c{n}"), of, &["bread"])).collect()
    };
    push(&service, &day(19, "2024-04-03")).await;
    assert_eq!(market(&service).await["present_day"], "2024-03-24", "19 are too few, and one in 2025");
    let before = answer(&service, "bert").await;
    push(&service, &[basket("twentieth", "c20", "2024-04-03", &["bread"])]).await;
    assert_eq!(market(&service).await["present_day"], "2024-04-03");
    assert_eq!(market(&service).await["last_basket"], "2025-12-31T12:00:00Z");
    assert_ne!(answer(&service, "bert").await, before, "all purchases are ten days older");
    let service = service.restarted().await;
    assert_eq!(market(&service).await["present_day"], "2024-04-03");

    let at = |at: &str| format!("/v1/markets/de/items/bread/bought-together?customer=bert&detail=full&at={at}");
    let (status, then) = service.get(&at("2024-03-24")).await;
    assert_eq!((status, &then["items"]), (StatusCode::OK, &before), "as of then");
    let (status, problem) = service.get(&at("2024-03-23")).await;
    assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("at")), "{problem}");
    assert_eq!(service.get(&at("yesterday")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_basket_that_is_wrong_is_listed_and_harms_no_other() {
    let service = Service::new().await;
    let good = basket("good", "dora", "2024-03-25", &["tea"]);
    let with = |field: &str, value: Value| {
        let mut basket = basket("bad", "dora", "2024-03-25", &["tea"]);
        basket[field] = value;
        basket
    };
    let tomorrow = (chrono::Utc::now() + chrono::Days::new(2)).to_rfc3339();
    let wrong = [
        ("id", with("id", json!(""))),
        ("customer", with("customer", json!("a\u{0}b"))),
        ("time", with("time", json!("2024-03-25"))),
        ("time", with("time", json!(tomorrow))),
        ("time", with("time", json!("1970-01-01T00:00:00Z"))),
        ("items", with("items", json!([]))),
        ("items[0].quantity", with("items", json!([{ "id": "tea", "quantity": -1 }]))),
        ("items[1].id", with("items", json!([{ "id": "tea" }, { "id": "" }]))),
        ("items[0].price", with("items", json!([{ "id": "tea", "price": -0.5 }]))),
    ];
    let baskets: Vec<Value> = wrong.iter().map(|(_, basket)| basket.clone()).chain([good]).collect();
    let answer = push(&service, &baskets).await;
    assert_eq!(answer["accepted"], 1);
    let fields: Vec<&str> =
        answer["rejected"].as_array().unwrap().iter().map(|row| row["field"].as_str().unwrap()).collect();
    assert_eq!(fields, wrong.iter().map(|(field, _)| *field).collect::<Vec<_>>());
    assert_eq!(again(&service, "dora").await, ["tea"]);
    let all_wrong = json!({ "baskets": [baskets[0]] }).to_string();
    assert_eq!(service.json("POST", PUSH, &all_wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let many: Vec<Value> = (0..1001).map(|n| basket(&n.to_string(), "dora", "2024-03-25", &["tea"])).collect();
    let (status, _) = service.json("POST", PUSH, &json!({ "baskets": many }).to_string()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "more than 1,000 baskets");
    let items: Vec<String> = (0..10_001).map(|n| format!("i{n}")).collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let large = json!({ "baskets": [basket("large", "dora", "2024-03-25", &items)] }).to_string();
    assert_eq!(service.json("POST", PUSH, &large).await.0, StatusCode::UNPROCESSABLE_ENTITY, "more than 10,000 lines");
    assert_eq!(again(&service, "dora").await, ["tea"], "nothing of them");
    assert_eq!(service.json("POST", "/v1/markets/xx/baskets", &all_wrong).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_dismissed_item_is_not_shown_to_that_customer_for_a_while() {
    let service = Service::new().await;
    let path = "/v1/markets/de/items/bread/bought-together?customer=anna";
    let (_, shown) = service.get(path).await;
    let dismissed = shown["items"][0]["id"].as_str().unwrap().to_owned();
    let event = |customer: Value| {
        let id = &shown["recommendation_id"];
        let event =
            json!({ "id": "e1", "recommendation_id": id, "type": "dismiss", "item": dismissed, "customer": customer });
        json!({ "events": [event] }).to_string()
    };
    let (status, answer) = service.json("POST", "/v1/markets/de/events", &event(Value::Null)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nobody in particular: {answer}");
    let (status, answer) = service.json("POST", "/v1/markets/de/events", &event(json!("anna"))).await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(1)), "{answer}");
    assert!(!service.ids(path).await.contains(&dismissed));
    assert!(service.ids(&path.replace("anna", "bert")).await.contains(&dismissed), "others still see it");
    let offers =
        json!({ "offers": [{ "id": "o1", "items": [dismissed] }, { "id": "o2", "items": ["tea", dismissed] }] });
    assert_eq!(service.json("PUT", "/v1/markets/de/offers", &offers.to_string()).await.0, StatusCode::OK);
    assert_eq!(service.ids("/v1/markets/de/customers/anna/offers").await, ["o2"]);
    assert_eq!(service.ids("/v1/markets/de/customers/bert/offers").await.len(), 2);
    let service = service.restarted().await;
    assert!(!service.ids(path).await.contains(&dismissed));
}

#[tokio::test]
async fn what_is_bought_again_says_when_and_how_much_and_what_is_new_was_never_bought() {
    let service = Service::new().await;
    let of = |day: &str, quantity: u32| {
        json!({ "id": day, "customer": "dora", "time": format!("{day}T12:00:00Z"),
                "items": [{ "id": "tea", "quantity": quantity }, { "id": "bread" }] })
    };
    push(&service, &[of("2024-03-06", 2), of("2024-03-15", 4), of("2024-03-24", 2), of("2024-03-25", 3)]).await;
    let (_, body) = service.get("/v1/markets/de/customers/dora/buy-again?explain=true").await;
    let tea = body["items"].as_array().unwrap().iter().find(|found| found["id"] == "tea").unwrap().clone();
    assert_eq!(tea["quantity"], 3.0, "the lower median of those newer than the model: {tea}");
    let new = service.ids("/v1/markets/de/customers/dora/new-for-you?per_category=1").await;
    assert!(!new.is_empty() && !new.contains(&"tea".to_owned()) && !new.contains(&"bread".to_owned()), "{new:?}");
    let dairy = new.iter().filter(|id| ["milk-a", "milk-b", "butter", "new-milk"].contains(&id.as_str())).count();
    assert!(dairy <= 1, "{new:?}");
    let offers = json!({ "offers": [{ "id": "o1", "items": ["tea"] }] });
    assert_eq!(service.json("PUT", "/v1/markets/de/offers", &offers.to_string()).await.0, StatusCode::OK);
    assert_eq!(service.ids("/v1/markets/de/customers/dora/buy-again?on_offer=true").await, ["tea"]);
    let out = json!({ "updates": [{ "item": "tea", "in_stock": false, "sequence": 1 }] });
    assert_eq!(service.json("PUT", "/v1/markets/de/stock", &out.to_string()).await.0, StatusCode::OK);
    assert_eq!(service.ids("/v1/markets/de/customers/dora/buy-again").await, ["bread"]);
}

/// A basket is pushed, and models are swapped that have counted it and that have not: no answer counts it twice or not
/// at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answer_counts_a_basket_twice_while_models_are_swapped() {
    let service = Arc::new(Service::new().await);
    push(&service, &[basket("500", "cleo", "2024-03-25", &["tea", "milk-a"])]).await;
    let path = "/v1/markets/de/customers/cleo/buy-again?limit=50&detail=full";
    let items = async |service: &Service| {
        let (status, body) = service.get(path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        (body["model"].as_str().unwrap().to_owned(), body["items"].clone())
    };
    let first = items(&service).await;
    let mut table = common::transactions();
    table.push_str("500,tea,2024-03-25,cleo\n500,milk-a,2024-03-25,cleo\n");
    common::train_on(service.folder.path(), "de", 1_710_000_100, &table);
    service.state_sync.refresh().await;
    let second = items(&service).await;
    assert_ne!(first.0, second.0);
    // In both, tea was bought as often.
    let habit = |items: &Value| {
        let tea = items.as_array().unwrap().iter().find(|item| item["id"] == "tea").unwrap();
        tea["parts"].as_array().unwrap().iter().find(|part| part["signal"] == "habit").unwrap()["value"]
            .as_f64()
            .unwrap()
    };
    let (overlaid, counted) = (habit(&first.1), habit(&second.1));
    // The present day of the second model is one day later.
    assert!((overlaid - counted).abs() < 0.01 * counted, "{overlaid} and {counted}");
    let known: HashMap<String, Value> = HashMap::from([first, second]);
    let ended = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (service, known, ended) = (service.clone(), known.clone(), ended.clone());
            tokio::spawn(async move {
                let mut asked = 0;
                while !ended.load(Ordering::Relaxed) {
                    let (_, body) = service.get(path).await;
                    assert_eq!(body["items"], known[body["model"].as_str().unwrap()]);
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    for swap in 0..60 {
        let version = known.keys().nth(swap % 2).unwrap();
        let body = json!({ "version": version }).to_string();
        assert_eq!(service.json("PUT", "/v1/markets/de/models/current", &body).await.0, StatusCode::OK);
    }
    ended.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
}
