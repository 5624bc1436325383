//! The API, in process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

mod common;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use common::{Service, ids};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use trolley::live::{Explain, OfferQuery};

const OK: StatusCode = StatusCode::OK;

#[tokio::test]
async fn answers_look_as_promised() {
    let service = Service::new().await;
    service
        .json(
            "PUT",
            "/v1/markets/de/offers",
            r#"{"offers": [{"id": "o1", "items": ["milk-a", "tea"]}, {"id": "o2", "items": ["unheard-of"]}]}"#,
        )
        .await;
    for (name, path) in [
        ("bought_together", "/v1/markets/de/items/bread/bought-together"),
        ("bought_together_explained", "/v1/markets/de/items/bread/bought-together?customer=anna&detail=full&limit=2"),
        ("alternatives", "/v1/markets/de/items/milk-a/alternatives?explain=true&limit=2"),
        ("offers", "/v1/markets/de/customers/anna/offers?explain=true"),
        ("audience", "/v1/markets/de/offers/o1/audience"),
        ("markets", "/v1/markets"),
        ("models", "/v1/markets/de/models"),
        ("unknown_market", "/v1/markets/nowhere/items/bread/bought-together"),
        ("unknown_path", "/v1/nothing"),
        ("bad_limit", "/v1/markets/de/items/bread/bought-together?limit=0"),
        ("unknown_parameter", "/v1/markets/de/items/bread/bought-together?limt=3"),
        ("no_model_yet", "/v1/markets/empty/items/bread/bought-together"),
    ] {
        let (status, mut body) = service.get(path).await;
        redact(&mut body);
        insta::assert_json_snapshot!(name, serde_json::json!({"status": status.as_u16(), "body": body}));
    }
}

/// Redacts values that differ from run to run, and floating-point numbers, which differ slightly between processors.
fn redact(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(redact),
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "recommendation_id" | "request_id" => *value = "[id]".into(),
                    "score" | "value" | "share" => *value = format!("[{name}]").into(),
                    _ => redact(value),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_description_is_what_it_was() {
    insta::assert_json_snapshot!("openapi", trolley::api::openapi());
}

#[tokio::test]
async fn ids_with_slashes_spaces_percent_signs_and_letters_beyond_ascii_work() {
    let service = Service::new().await;
    let (_, body) = service.get("/v1/markets/de/items/ginger%2Flemon%20%C3%BC%25/bought-together?explain=true").await;
    assert_eq!(body["items"][0]["tier"], "model", "the model knows it: {body}");
    let tea = body["items"].as_array().unwrap().iter().find(|item| item["id"] == "tea").unwrap();
    let first = &tea["reasons"][0];
    assert_eq!(first["text"], "often bought with ginger/lemon ü%: in most orders", "{tea}");
    assert_eq!((&first["kind"], &first["with"]), (&"together".into(), &"ginger/lemon ü%".into()));
    let found = service.ids("/v1/markets/de/items/tea/bought-together").await;
    assert!(found.contains(&"ginger/lemon ü%".to_owned()), "{found:?}");
    let found =
        service.ids("/v1/markets/de/items/tea/bought-together?limit=5&exclude=ginger%2Flemon%20%C3%BC%25").await;
    assert!(!found.contains(&"ginger/lemon ü%".to_owned()), "{found:?}");
    let (status, _) = service.get("/v1/markets/de/items/%FF/bought-together").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "what is not UTF-8 is no ID");
}

#[tokio::test]
async fn whatever_is_unknown_still_gets_an_answer() {
    let service = Service::new().await;
    for path in [
        "/v1/markets/de/items/unheard-of/bought-together",
        "/v1/markets/de/items/unheard-of/bought-together?customer=nobody",
        "/v1/markets/de/items/rare/bought-together",
    ] {
        let (status, body) = service.get(path).await;
        assert_eq!(status, OK, "{path}");
        assert_eq!(ids(&body).len(), 6, "{path}: six where six exist: {body}");
    }
    // Alternatives to an item that was never bought come from the items table; an unknown item has none.
    let (_, body) = service.get("/v1/markets/de/items/new-milk/alternatives").await;
    assert_eq!(
        (ids(&body), &body["items"][0]["tier"]),
        (["butter", "milk-a", "milk-b"].map(str::to_owned).into(), &"model".into())
    );
    let (status, body) = service.get("/v1/markets/de/items/unheard-of/alternatives?customer=anna").await;
    assert_eq!((status, ids(&body)), (OK, vec![]), "{body}");
}

#[tokio::test]
async fn limits_outside_1_to_200_are_named() {
    let service = Service::new().await;
    service.json("PUT", "/v1/markets/de/offers", r#"{"offers": [{"id": "o", "items": ["tea"]}]}"#).await;
    for path in [
        "/v1/markets/de/items/bread/bought-together",
        "/v1/markets/de/items/bread/alternatives",
        "/v1/markets/de/customers/anna/offers",
    ] {
        for limit in ["0", "201", "-1", "6.5", "six", "", "99999999999999999999"] {
            let (status, body) = service.get(&format!("{path}?limit={limit}")).await;
            assert_eq!((status, &body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &"limit".into()), "{path} {limit}");
        }
        for limit in ["1", "200"] {
            assert_eq!(service.get(&format!("{path}?limit={limit}")).await.0, OK, "{path} {limit}");
        }
    }
    let (status, body) =
        service.json("POST", "/v1/markets/de/bought-together", r#"{"items": ["tea"], "limit": 0}"#).await;
    assert_eq!((status, &body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &"limit".into()));
}

#[tokio::test]
async fn what_is_out_of_stock_is_never_shown_and_the_highest_sequence_wins() {
    let service = Service::new().await;
    let stock = |in_stock: bool, sequence: u64| {
        format!(r#"{{"updates": [{{"item": "milk-b", "in_stock": {in_stock}, "sequence": {sequence}}}]}}"#)
    };
    let path = "/v1/markets/de/items/milk-a/alternatives";
    assert_eq!(service.ids(path).await[0], "milk-b");
    let (status, body) = service.json("PUT", "/v1/markets/de/stock", &stock(false, 17)).await;
    assert_eq!((status, &body["accepted"], &body["stale"]), (OK, &1.into(), &0.into()));
    assert_eq!(service.ids(path).await, ["butter", "new-milk"], "what else is of the category, and nothing else");
    let (_, body) = service.json("PUT", "/v1/markets/de/stock", &stock(true, 16)).await;
    assert_eq!((&body["accepted"], &body["stale"]), (&0.into(), &1.into()), "an update out of order");
    assert!(!service.ids(path).await.contains(&"milk-b".to_owned()));
    service.json("PUT", "/v1/markets/de/stock", &stock(true, 18)).await;
    assert_eq!(service.ids(path).await[0], "milk-b");
}

#[tokio::test]
async fn offers_are_replaced_as_one_and_wrong_rows_are_named() {
    let service = Service::new().await;
    let body = r#"{"offers": [
        {"id": "o1", "items": ["bread"], "valid_from": "2017-11-20T00:00:00Z", "valid_to": null},
        {"id": "o2", "items": []}, {"id": "o1", "items": ["tea"]}, {"items": ["tea"]}, 7,
        {"id": "o3", "items": ["tea"], "valid_to": "soon"}, {"id": "o4", "items": ["tea"], "price": 3},
        {"id": "over", "items": ["tea"], "valid_to": "2017-11-20T00:00:00Z"},
        {"id": "later", "items": ["tea"], "valid_from": "2999-01-01T00:00:00Z"}]}"#;
    let (status, answer) = service.json("PUT", "/v1/markets/de/offers", body).await;
    assert_eq!((status, &answer["accepted"]), (OK, &3.into()), "{answer}");
    let wrong: Vec<(u64, &str)> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["row"].as_u64().unwrap(), row["field"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(wrong, [(1, "items"), (2, "id"), (3, ""), (4, ""), (5, "valid_to"), (6, "price")], "{answer}");
    assert_eq!(service.ids("/v1/markets/de/customers/anna/offers").await, ["o1"], "one is over, one is for later");
    let (status, answer) = service.json("PUT", "/v1/markets/de/offers", r#"{"offers": [{"id": "x"}]}"#).await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::UNPROCESSABLE_ENTITY, &0.into()));
    assert_eq!(service.ids("/v1/markets/de/customers/anna/offers").await, ["o1"], "nothing right, nothing changed");
    service.json("PUT", "/v1/markets/de/offers", r#"{"offers": []}"#).await;
    assert!(service.ids("/v1/markets/de/customers/anna/offers").await.is_empty());
}

#[tokio::test]
async fn an_offer_of_days_holds_through_its_last_day_and_unknown_numbers_are_named() {
    let service = Service::new().await;
    let body = r#"{"offers": [{"id": "day", "items": ["tea"], "valid_from": "2030-02-05", "valid_to": "2030-02-05",
        "numbers": {"discuont": 0.2}}, {"id": "no", "items": ["tea"], "valid_to": "05.02.2030"}]}"#;
    let (status, answer) = service.json("PUT", "/v1/markets/de/offers", body).await;
    assert_eq!((status, &answer["accepted"]), (OK, &1.into()), "{answer}");
    assert_eq!(answer["unknown_numbers"], serde_json::json!(["discuont"]));
    assert_eq!(answer["rejected"][0]["field"], "valid_to");
    assert!(answer["rejected"][0]["reason"].as_str().unwrap().contains("2026-11-20"), "{answer}");
    let snapshot = service.markets.get("de").unwrap().snapshot().unwrap();
    let holds =
        |time: &str| !snapshot.offers_for(&OfferQuery::of("anna", 10, Explain::No), time.parse().unwrap()).0.is_empty();
    let times = ["2030-02-04T23:59:59Z", "2030-02-05T00:00:00Z", "2030-02-05T23:59:59Z", "2030-02-06T00:00:00Z"];
    assert_eq!(times.map(holds), [false, true, true, false]);
}

#[tokio::test]
async fn an_offer_begins_and_ends_without_a_push() {
    let service = Service::new().await;
    let offers = r#"{"offers": [{"id": "always", "items": ["tea"]},
        {"id": "first", "items": ["bread"], "valid_from": "2030-01-01T00:00:00Z", "valid_to": "2030-01-08T00:00:00Z"},
        {"id": "then", "items": ["milk-a"], "valid_from": "2030-01-08T00:00:00Z", "valid_to": "2030-01-15T00:00:00Z"}]}"#;
    service.json("PUT", "/v1/markets/de/offers", offers).await;
    let snapshot = service.markets.get("de").unwrap().snapshot().unwrap();
    let on = |day: &str| {
        let now = format!("2030-01-{day}Z").parse().unwrap();
        let found = snapshot.offers_for(&OfferQuery::of("anna", 10, Explain::No), now).0.into_iter();
        let mut ids: Vec<String> = found.map(|offer| offer.id.clone().into_owned()).collect();
        ids.sort_unstable();
        ids
    };
    // Forward and back: a clock can be set back.
    for (day, open) in [
        ("01T00:00:00", ["always", "first"].as_slice()),
        ("07T23:59:59", &["always", "first"]),
        ("08T00:00:00", &["always", "then"]),
        ("15T00:00:00", &["always"]),
        ("07T23:59:59", &["always", "first"]),
        ("09T00:00:00", &["always", "then"]),
    ] {
        assert_eq!(on(day), open, "{day}");
    }
}

#[tokio::test]
async fn an_offer_is_open_while_one_of_its_items_is_in_stock() {
    let service = Service::new().await;
    let offers = r#"{"offers": [{"id": "known", "items": ["tea"]}, {"id": "new", "items": ["unheard-of"]},
        {"id": "mixed", "items": ["tea", "unheard-of-too"]}]}"#;
    service.json("PUT", "/v1/markets/de/offers", offers).await;
    assert_eq!(service.ids("/v1/markets/de/customers/anna/offers").await.len(), 3);
    let gone = r#"{"updates": [{"item": "tea", "in_stock": false, "sequence": 1},
        {"item": "unheard-of", "in_stock": false, "sequence": 1}]}"#;
    service.json("PUT", "/v1/markets/de/stock", gone).await;
    let (_, body) = service.get("/v1/markets/de/customers/anna/offers").await;
    assert_eq!(ids(&body), ["mixed"]);
    assert_eq!(body["items"][0]["item"], "unheard-of-too");
}

#[tokio::test]
async fn a_cart_is_asked_for_as_a_whole() {
    let service = Service::new().await;
    let (status, body) =
        service.json("POST", "/v1/markets/de/bought-together", r#"{"items": ["bread", "tea"], "limit": 6}"#).await;
    assert_eq!(status, OK);
    let found = ids(&body);
    assert!(!found.contains(&"bread".to_owned()) && !found.contains(&"tea".to_owned()), "{found:?}");
    assert!(found.contains(&"butter".to_owned()), "{found:?}");
}

#[tokio::test]
async fn no_body_a_client_can_send_leads_to_a_5xx() {
    let service = Service::new().await;
    let deep = "[".repeat(10_000);
    for path in [
        "/v1/markets/de/offers",
        "/v1/markets/de/stock",
        "/v1/markets/de/rules",
        "/v1/markets/de/models/current",
        "/v1/markets/de/bought-together",
    ] {
        let method = if path.ends_with("together") { "POST" } else { "PUT" };
        for body in ["", "{", "[]", "null", "7", "\"x\"", "{\"offers\": 1}", "{\"updates\": [[]]}", &deep, "\u{0}"] {
            let (status, answer) = service.json(method, path, body).await;
            assert!(status.is_client_error(), "{path} {body:.20}: {status} {answer}");
        }
        let untyped = Request::builder().method(method).uri(path).body(Body::from("{}")).unwrap();
        let (status, kind, _) = service.send(untyped).await;
        assert_eq!((status, kind.as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/problem+json"));
    }
    let (status, _) = service.json("PUT", "/v1/markets/de/models/current", r#"{"version": "../../etc"}"#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let long = "x".repeat(300);
    let (status, _) = service.get(&format!("/v1/markets/de/items/{long}/bought-together")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_rollback_is_one_call() {
    let service = Service::new().await;
    let first = common::name("2024-03-09t16-00-00z");
    let second = common::train(service.folder.path(), "de", 1_710_000_060).version;
    service.state_sync.refresh().await;
    let (_, body) = service.get("/v1/markets/de/models").await;
    assert_eq!(body["in_service"], second.as_str());
    let body = format!(r#"{{"version": "{first}"}}"#);
    let (status, body) = service.json("PUT", "/v1/markets/de/models/current", &body).await;
    assert_eq!((status, &body["in_service"], &body["current"]), (OK, &first.as_str().into(), &first.as_str().into()));
    service.state_sync.refresh().await;
    let (_, answer) = service.get("/v1/markets/de/items/bread/bought-together").await;
    assert_eq!(answer["model"], first.as_str(), "it holds");
    let (status, _) = service.json("PUT", "/v1/markets/de/models/current", r#"{"version": "2000"}"#).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_version_that_takes_long_comes_into_service_when_nobody_waits_any_more() {
    let service = Service::new().await;
    let second = common::train(service.folder.path(), "de", 1_710_000_060).version;
    let market = service.markets.get("de").unwrap();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let holder = std::thread::spawn(move || {
        let _changing = market.changing();
        ready.send(()).unwrap();
        held.recv().unwrap();
    });
    is_ready.recv().unwrap();
    let request = Request::put("/v1/markets/de/models/current")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(format!(r#"{{"version": "{second}"}}"#)))
        .unwrap();
    let response = service.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let place = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
    assert_ne!(service.get(&place).await.1["in_service"], second.as_str());
    hold.send(()).unwrap();
    holder.join().unwrap();
    while service.get(&place).await.1["in_service"] != second.as_str() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_damaged_model_is_refused_and_the_one_in_service_stays() {
    let service = Service::new().await;
    let second = common::train(service.folder.path(), "de", 1_710_000_060).version;
    let file = service.folder.path().join("models/de").join(&second).join("items.input.fifu");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    service.state_sync.refresh().await;
    let (_, answer) = service.get("/v1/markets/de/items/bread/bought-together").await;
    assert_eq!(answer["model"], "2024-03-09t16-00-00z");
    // A service that starts now uses the newest sound model.
    let registry = trolley_model::artefact::ModelRegistry::new(service.folder.path().join("models"));
    let fresh = trolley::live::Markets::new(registry, []);
    fresh.look();
    fresh.open();
    assert!(fresh.ready());
    // Deleting all files under a running service changes no answer.
    std::fs::remove_dir_all(service.folder.path().join("models")).unwrap();
    service.state_sync.refresh().await;
    assert_eq!(service.ids("/v1/markets/de/items/bread/bought-together?limit=1").await, ["butter"]);
}

#[tokio::test]
async fn ready_means_every_market() {
    let service = Service::new().await;
    assert_eq!(service.get("/health/live").await.0, OK);
    let (status, body) = service.get("/health/ready").await;
    assert_eq!((status, &body["waiting_for"][0]), (StatusCode::SERVICE_UNAVAILABLE, &"empty".into()));
    common::train(service.folder.path(), "empty", 1_710_000_000);
    service.state_sync.refresh().await;
    assert_eq!(service.get("/health/ready").await.0, OK);
}

#[tokio::test]
async fn requests_have_names_and_changes_are_told_with_them() {
    let service = Service::new().await;
    let ask = async |path: &str, id: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let response = service.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let named = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (named, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let question = "/v1/markets/de/items/bread/bought-together";
    assert_eq!(ask(question, Some("page-7.widget:2")).await.0, "page-7.widget:2");
    let (named, body) = ask(&format!("{question}?limit=0"), Some("page-8")).await;
    assert_eq!((named.as_str(), &body["request_id"], &body["field"]), ("page-8", &"page-8".into(), &"limit".into()));
    let (named, body) = ask("/v1/nothing", Some("a \"name\"")).await;
    assert!(named.len() == 36 && body["request_id"] == named.as_str(), "{named} {body}");
}

#[tokio::test]
async fn filters_come_before_the_best_are_chosen() {
    let service = Service::new().await;
    let question = "/v1/markets/de/items/bread/bought-together?limit=10&explain=true";
    let ids = |body: &Value| -> Vec<String> {
        body["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let (_, all) = service.get(question).await;
    assert!(ids(&all).contains(&"tea".to_owned()) && all["filtered"].is_null(), "{all}");
    let (_, dairy) = service.get(&format!("{question}&category=dairy")).await;
    let mut only = ids(&dairy);
    only.sort();
    assert!(only.iter().all(|id| ["butter", "milk-a", "milk-b", "new-milk"].contains(&id.as_str())), "{only:?}");
    assert!(only.len() >= 3 && dairy["filtered"].as_u64().unwrap() >= 1, "{dairy}");
    let (_, either) = service.get(&format!("{question}&category=drinks&category=bakery&exclude=rare")).await;
    assert_eq!(ids(&either), ["tea"]);
    let (_, no_dairy) = service.get(&format!("{question}&not_category=dairy&not_category=drinks")).await;
    assert!(ids(&no_dairy).iter().all(|id| id != "butter" && id != "tea"), "{no_dairy}");
    let (status, nothing) = service.get(&format!("{question}&category=unheard-of")).await;
    assert_eq!((status, ids(&nothing).len()), (OK, 0));
    let (_, instead) = service.get("/v1/markets/de/items/milk-a/alternatives?not_category=dairy&explain=true").await;
    let is_dairy = |id: &String| ["butter", "milk-a", "milk-b", "new-milk"].contains(&id.as_str());
    assert!(!ids(&instead).iter().any(is_dairy) && instead["filtered"].as_u64().unwrap() > 0, "{instead}");
    let cart = r#"{"items": ["bread"], "category": ["dairy"], "not_category": ["drinks"], "limit": 1}"#;
    let (_, cart) = service.json("POST", "/v1/markets/de/bought-together", cart).await;
    assert_eq!(ids(&cart), ["butter"]);

    let offers = r#"{"offers": [{"id": "o,1", "items": ["tea"]}, {"id": "o2", "items": ["milk-a", "bread"]},
                    {"id": "o3", "items": ["unheard-of"]}]}"#;
    service.json("PUT", "/v1/markets/de/offers", offers).await;
    let offered = async |query: &str| {
        let (status, body) = service.get(&format!("/v1/markets/de/customers/anna/offers?{query}")).await;
        assert_eq!(status, OK, "{body}");
        let mut offers = ids(&body);
        offers.sort();
        (offers, body["filtered"].as_u64())
    };
    assert_eq!(offered("").await, (vec!["o,1".into(), "o2".into(), "o3".into()], None));
    assert_eq!(offered("exclude=o%2C1,o3").await.0, ["o2"]);
    assert_eq!(offered("category=dairy&explain=true").await, (vec!["o2".into()], Some(2)));
    let (_, body) = service.get("/v1/markets/de/customers/anna/offers?not_category=dairy&not_category=drinks").await;
    assert_eq!((ids(&body), &body["items"][0]["item"]), (vec!["o2".to_owned()], &"bread".into()), "by its other item");

    for (query, field) in [("min_price=1", "min_price"), ("max_price=1", "max_price"), ("min_price=x", "min_price")] {
        for path in ["items/bread/bought-together", "items/milk-a/alternatives", "customers/anna/offers"] {
            let (status, body) = service.get(&format!("/v1/markets/de/{path}?{query}")).await;
            assert_eq!((status, &body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &field.into()), "{body}");
        }
    }
}

#[tokio::test]
async fn prices_of_the_items_table_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), common::transactions()).unwrap();
    let items =
        "item_id,category,price\nmilk-a,dairy,0.99\nmilk-b,dairy,1.49\nbutter,dairy,2.5\nbread,bakery,3\ntea,drinks,\n";
    std::fs::write(folder.path().join("i.csv"), items).unwrap();
    let tables = ["t.csv", "i.csv"].map(|file| folder.path().join(file));
    let input = serde_json::json!({"transactions": tables[0], "items": tables[1]});
    let (input, config) = (serde_json::from_value(input).unwrap(), trolley_training::TrainingConfig::default());
    common::train_with(folder.path(), &common::name("de"), 1_710_000_000, &input, &config);
    let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
    let service = Service::started(folder, &url).await;
    let ids = async |query: &str| {
        let mut ids = service.ids(&format!("/v1/markets/de/items/bread/bought-together?limit=10&{query}")).await;
        ids.sort();
        ids
    };
    assert_eq!(ids("min_price=1&max_price=2.5").await, ["butter", "milk-b"], "both ends count");
    assert_eq!(ids("max_price=1").await, ["milk-a"], "of tea no price is known");
    let (status, body) = service.get("/v1/markets/de/items/bread/bought-together?min_price=2&max_price=1").await;
    assert_eq!((status, &body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &"max_price".into()));
}

#[tokio::test]
async fn a_model_that_comes_file_by_file_is_awaited() {
    let service = Service::new().await;
    let models = service.folder.path().join("models/de");
    let second = common::train(service.folder.path(), "de", 1_710_000_060).version;
    let (folder, away) = (models.join(&second), service.folder.path().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    let served = async || service.get("/v1/markets/de/models").await.1["in_service"].as_str().unwrap().to_owned();
    let mut files: Vec<_> = std::fs::read_dir(&away).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    service.state_sync.refresh().await;
    assert_ne!(served().await, second.as_str(), "its folder is not there yet");
    std::fs::create_dir(&folder).unwrap();
    // The manifest is neither the first nor the last file, and each file is written in two halves.
    for file in &files {
        let bytes = std::fs::read(away.join(file)).unwrap();
        for part in [&bytes[..bytes.len() / 2], &bytes] {
            std::fs::write(folder.join(file), part).unwrap();
            let is_last = Some(file) == files.last() && part.len() == bytes.len();
            service.state_sync.refresh().await;
            assert_eq!(served().await == second.as_str(), is_last, "{}", file.display());
        }
    }
}

#[tokio::test]
async fn a_rollback_where_nothing_can_be_written_says_so() {
    let service = Service::new().await;
    let first = service.get("/v1/markets/de/models").await.1["in_service"].as_str().unwrap().to_owned();
    common::train(service.folder.path(), "de", 1_710_000_060);
    service.state_sync.refresh().await;
    // Root ignores read-only folders, so something else blocks the pointer.
    std::fs::create_dir(service.folder.path().join("models/de/.current.new")).unwrap();
    let body = format!(r#"{{"version": "{first}"}}"#);
    let (status, body) = service.json("PUT", "/v1/markets/de/models/current", &body).await;
    let detail = body["detail"].as_str().unwrap();
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(detail.contains("cannot be written") && !detail.contains("damaged"), "{detail}");
    assert!(!detail.contains(service.folder.path().to_str().unwrap()), "nothing about where it lies: {detail}");
}
