//! Alternatives that are similar, and available in a store: a dairy with two stores, over HTTP.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod common;

use std::fmt::Write;

use allocation_counter::measure;
use axum::http::StatusCode;
use common::{Service, ids, name};
use serde_json::{Value, json};
use trolley::live::StoreStock;
use trolley_model::{Ids, Item, Stores};
use trolley_training::{InputConfig, TrainingConfig};

/// The milks: brand, size, organic, price.
const ITEMS: &str = "item_id,category,name,brand,size,organic,price\n\
    milk,milk,Whole milk,alpha,1 l,yes,1.00\n\
    same,milk,Whole milk B,beta,1000 ml,yes,1.05\n\
    near,milk,Milk C,beta,\"1,5 l\",yes,1.40\n\
    half,milk,Milk D,alpha,0.5 l,no,0.55\n\
    cheap,milk,Milk E,gamma,1 l,,0.80\n\
    dear,milk,Milk F,delta,1 l,yes,2.40\n\
    large,milk,Milk G,alpha,5 l,yes,4.50\n\
    old,milk,Milk H,alpha,1 l,yes,1.00\n\
    south-only,milk,Milk S,beta,1 l,yes,1.00\n\
    new,milk,Milk N,alpha,1 l,yes,1.00\n\
    soy,plants,Whole milk of soy,epsilon,1 l,yes,1.00\n\
    bread,bakery,Bread,mill,500 g,,2.00\n";

/// Sixty days with four baskets a day in each of two stores. `old` is sold in the first twenty days, `south-only` in
/// one store.
fn transactions() -> String {
    let mut lines = String::from("basket_id,item_id,timestamp,customer_id,store,quantity,unit_price\n");
    let milks = ["milk", "same", "near", "half", "cheap", "dear", "large", "soy", "same"];
    let mut basket = 0;
    for day in 0..60 {
        for visit in 0..8 {
            let store = ["north", "south"][visit % 2];
            let customer = format!("c{}", (day + visit) % 12);
            let milk = match (store, visit) {
                (_, 0 | 1) if day < 20 => "old",
                ("south", 3 | 5) => "south-only",
                _ => milks[(day * 5 + visit * 2) % milks.len()],
            };
            let date = format!("2024-{:02}-{:02}", 3 + day / 30, 1 + day % 30);
            for item in ["bread", milk] {
                writeln!(lines, "{basket},{item},{date},{customer},{store},2,1.00").unwrap();
            }
            basket += 1;
        }
    }
    lines
}

async fn dairy() -> Service {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), transactions()).unwrap();
    std::fs::write(folder.path().join("i.csv"), ITEMS).unwrap();
    let input: InputConfig = serde_json::from_value(json!({
        "transactions": folder.path().join("t.csv"), "items": folder.path().join("i.csv"),
        "columns": {"items": {"attributes": ["brand", "size", "organic"]}},
    }))
    .unwrap();
    let mut config = TrainingConfig::default();
    config.evaluation.test_days = 0;
    common::train_with(folder.path(), &name("de"), 1_712_000_000, &input, &config);
    let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
    Service::started(folder, &url).await
}

const INSTEAD: &str = "/v1/markets/de/items/milk/alternatives";

async fn push_stock(service: &Service, updates: Value) -> Value {
    let (status, body) = service.json("PUT", "/v1/markets/de/stock", &json!({"updates": updates}).to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn out_of_stock(service: &Service, items: &[&str]) {
    let updates: Vec<Value> =
        items.iter().map(|item| json!({"item": item, "in_stock": false, "sequence": 1})).collect();
    push_stock(service, json!(updates)).await;
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test]
async fn what_is_too_large_too_dear_or_not_sold_any_more_gives_way() {
    let service = dairy().await;
    let shown = service.ids(INSTEAD).await;
    assert_eq!(sorted(shown), ["cheap", "half", "near", "new", "same", "south-only"]);
    // Flawed items are admitted one by one when fewer than three flawless ones are left.
    out_of_stock(&service, &["cheap", "half", "near"]).await;
    assert_eq!(sorted(service.ids(INSTEAD).await), ["new", "same", "south-only"]);
    out_of_stock(&service, &["south-only"]).await;
    assert_eq!(sorted(service.ids(INSTEAD).await), ["dear", "new", "same"], "dear first");
    out_of_stock(&service, &["new"]).await;
    assert_eq!(sorted(service.ids(INSTEAD).await), ["dear", "large", "same"], "then what is large");
    out_of_stock(&service, &["same"]).await;
    assert_eq!(sorted(service.ids(INSTEAD).await), ["dear", "large", "soy"], "then what is of another kind");
    out_of_stock(&service, &["soy"]).await;
    assert_eq!(sorted(service.ids(INSTEAD).await), ["dear", "large", "old"], "and at last what is not sold any more");
    assert!(!service.ids(INSTEAD).await.contains(&"bread".to_owned()), "which no word says to be like it");
}

#[tokio::test]
async fn how_many_make_up_for_one_and_how_they_compare_is_said() {
    let service = dairy().await;
    let (_, body) = service.get(&format!("{INSTEAD}?explain=true")).await;
    let of = |id: &str| body["items"].as_array().unwrap().iter().find(|item| item["id"] == id).unwrap().clone();
    assert_eq!((of("half")["quantity"].clone(), of("near")["quantity"].clone()), (json!(2), json!(1)));
    let reason = |id: &str| of(id)["reasons"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(reason("same"), "same size, same organic, 5 % dearer");
    assert_eq!(reason("half"), "same brand, 500 ml instead of 1 l, 10 % dearer by size");
    assert_eq!(reason("cheap"), "same size, 20 % cheaper");
    let (_, together) = service.get("/v1/markets/de/items/milk/bought-together").await;
    assert!(
        together["items"][0].get("quantity").is_none(),
        "what goes with an item does not make up for it: {together}"
    );
}

#[tokio::test]
async fn what_must_match_is_never_shown_otherwise() {
    let service = dairy().await;
    let rules = json!({"rules": [
        {"id": "organic", "must_match": {"categories": ["milk"], "attributes": ["organic"]}},
        {"id": "pinned", "pin": {"item": "half", "to": "milk"}},
    ]});
    let (status, body) = service.json("PUT", "/v1/markets/de/rules", &rules.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let shown = service.ids(&format!("{INSTEAD}?limit=20")).await;
    assert!(!shown.contains(&"half".to_owned()), "not organic, and pinned all the same: {shown:?}");
    assert!(!shown.contains(&"cheap".to_owned()), "of which it is not known: {shown:?}");
    assert!(shown.contains(&"same".to_owned()), "{shown:?}");
    let (_, why) = service.get(&format!("{INSTEAD}/why-not/cheap")).await;
    assert_eq!((why["verdict"].clone(), why["attribute"].clone()), (json!("must_match"), json!("organic")));
    let (_, why) = service.get(&format!("{INSTEAD}/why-not/large")).await;
    assert_eq!(why["verdict"], "flawed", "{why}");
    // The rule does not apply to bread, and no other item is of its kind.
    assert!(service.ids("/v1/markets/de/items/bread/bought-together?limit=20").await.contains(&"half".to_owned()));
    for rule in [
        json!({"id": "none", "must_match": {"attributes": []}}),
        json!({"id": "two", "must_match": {"attributes": ["organic"]}, "pin": {"item": "a", "to": "b"}}),
    ] {
        let (status, _) = service.json("PUT", "/v1/markets/de/rules", &json!({"rules": [rule]}).to_string()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn what_is_cheaper_comes_first_if_that_is_wished_and_within_a_band_only() {
    let service = dairy().await;
    let cheaper = service.ids(&format!("{INSTEAD}?prefer=cheaper")).await;
    // Prices per litre: cheap 0.80, large 0.90, near 0.93.
    assert_eq!(sorted(cheaper[..2].to_vec()), ["cheap", "near"], "{cheaper:?}");
    let same = service.ids(&format!("{INSTEAD}?prefer=same_price")).await;
    assert!(!same[..3].contains(&"cheap".to_owned()), "{same:?}");
    let within = service.ids(&format!("{INSTEAD}?price_band=0.08")).await;
    assert_eq!(sorted(within), ["near", "new", "same", "south-only"]);
    for (path, field) in
        [("prefer=dearer", "prefer"), ("price_band=-1", "price_band"), ("price_band=NaN", "price_band")]
    {
        let (status, body) = service.get(&format!("{INSTEAD}?{path}")).await;
        assert_eq!((status, body["field"].clone()), (StatusCode::UNPROCESSABLE_ENTITY, json!(field)), "{body}");
    }
    let (status, body) = service.get("/v1/markets/de/items/milk/bought-together?prefer=cheaper").await;
    assert_eq!((status, body["field"].clone()), (StatusCode::UNPROCESSABLE_ENTITY, json!("prefer")));
}

#[tokio::test]
async fn a_store_shows_what_it_sells_and_has() {
    let service = dairy().await;
    let north = format!("{INSTEAD}?store=north");
    let shown = service.ids(&north).await;
    assert!(!shown.contains(&"south-only".to_owned()), "never sold there: {shown:?}");
    assert!(!shown.contains(&"new".to_owned()), "new, and not pushed: {shown:?}");
    let (_, why) = service.get(&format!("{INSTEAD}/why-not/south-only?store=north")).await;
    assert_eq!(why["verdict"], "not_in_store");
    assert!(service.ids(&format!("{INSTEAD}?store=south")).await.contains(&"south-only".to_owned()));
    assert!(service.ids(&format!("{INSTEAD}?store=unheard-of")).await.contains(&"south-only".to_owned()));
    let together = "/v1/markets/de/items/bread/bought-together?limit=20";
    assert!(service.ids(together).await.contains(&"south-only".to_owned()));
    assert!(!service.ids(&format!("{together}&store=north")).await.contains(&"south-only".to_owned()));
    push_stock(&service, json!([{"item": "new", "in_stock": true, "sequence": 1}])).await;
    assert!(service.ids(&north).await.contains(&"new".to_owned()), "pushed for all stores");
    push_stock(&service, json!([{"item": "south-only", "store": "north", "in_stock": true, "sequence": 1}])).await;
    assert!(service.ids(&north).await.contains(&"south-only".to_owned()), "the store has it now");
}

#[tokio::test]
async fn of_what_a_store_and_the_market_were_told_the_later_word_counts() {
    let service = dairy().await;
    let has = async |service: &Service, store: &str| {
        service.ids(&format!("{INSTEAD}?limit=20&store={store}")).await.contains(&"same".to_owned())
    };
    let both = async |service: &Service| [has(service, "north").await, has(service, "south").await];
    let word = |store: Option<&str>, in_stock: bool, sequence: u64| json!([{"item": "same", "store": store, "in_stock": in_stock, "sequence": sequence}]);
    push_stock(&service, word(Some("north"), false, 5)).await;
    assert_eq!(both(&service).await, [false, true]);
    assert!(service.ids(INSTEAD).await.contains(&"same".to_owned()), "the market as a whole has it");
    push_stock(&service, word(None, false, 4)).await;
    push_stock(&service, word(Some("north"), true, 6)).await;
    assert_eq!(both(&service).await, [true, false], "the store's word is the later one");
    push_stock(&service, word(None, false, 7)).await;
    assert_eq!(both(&service).await, [false, false], "now the market's is");
    let stale = push_stock(&service, word(Some("north"), true, 6)).await;
    assert_eq!((stale["accepted"].clone(), stale["stale"].clone()), (json!(0), json!(1)), "{stale}");
    push_stock(&service, word(Some("south"), true, 8)).await;
    assert_eq!(both(&service).await, [false, true]);
    push_stock(&service, word(None, false, 7)).await;
    assert_eq!(both(&service).await, [false, true], "what is said again changes nothing");
    let service = service.restarted().await;
    assert_eq!(both(&service).await, [false, true], "all is there after a restart");
    let (status, _) = service.json("DELETE", "/v1/markets/de/stock/same?store=south", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(both(&service).await, [false, false], "the market's word counts again");
    push_stock(&service, word(Some("south"), true, 7)).await;
    assert_eq!(both(&service).await, [false, true], "and a lower sequence is news");
}

#[tokio::test]
async fn offers_hold_in_their_stores() {
    let service = dairy().await;
    let offers = json!({"offers": [
        {"id": "everywhere", "items": ["milk"]},
        {"id": "north-only", "items": ["same"], "stores": ["north"]},
        {"id": "of-the-south", "items": ["south-only"]},
    ]});
    let (status, body) = service.json("PUT", "/v1/markets/de/offers", &offers.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let shown = async |query: &str| sorted(service.ids(&format!("/v1/markets/de/customers/c1/offers{query}")).await);
    assert_eq!(shown("").await, ["everywhere", "of-the-south"]);
    assert_eq!(shown("?store=north").await, ["everywhere", "north-only"]);
    assert_eq!(shown("?store=south").await, ["everywhere", "of-the-south"]);
    let rules = json!({"rules": [{"id": "recall", "block": {"item": "same"}}]}).to_string();
    assert_eq!(service.json("PUT", "/v1/markets/de/rules", &rules).await.0, StatusCode::OK);
    assert_eq!(shown("?store=north").await, ["everywhere"], "what a rule blocks is not on offer in a store either");
    assert_eq!(service.json("PUT", "/v1/markets/de/rules", r#"{"rules": []}"#).await.0, StatusCode::OK);
    push_stock(&service, json!([{"item": "milk", "store": "north", "in_stock": false, "sequence": 1}])).await;
    assert_eq!(shown("?store=north").await, ["north-only"]);
    assert_eq!(shown("?store=south").await, ["everywhere", "of-the-south"]);
}

#[tokio::test]
async fn what_customers_refuse_is_not_offered_again() {
    let service = dairy().await;
    // An answer counts once per pair, so each customer gets their own.
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(service.get(INSTEAD).await.1["recommendation_id"].clone());
    }
    let event = |at: usize, id: String, kind: &str, item: &str, replaced: Value| json!({"id": id, "recommendation_id": answers[at], "kind": kind, "item": item, "replaced": replaced});
    let send = async |service: &Service, events: Vec<Value>| {
        service.json("POST", "/v1/markets/de/events", &json!({"events": events}).to_string()).await
    };
    let refusals: Vec<Value> =
        (0..6).map(|n| event(n, format!("r{n}"), "replacement_rejected", "same", json!("milk"))).collect();
    let acceptances: Vec<Value> =
        (0..8).map(|n| event(n, format!("a{n}"), "replacement_accepted", "near", json!("milk"))).collect();
    let (status, body) = send(&service, [&refusals[..], &acceptances[..]].concat()).await;
    assert_eq!((status, body["accepted"].clone()), (StatusCode::OK, json!(14)), "{body}");
    let (_, body) = send(&service, refusals).await;
    assert_eq!(
        (body["accepted"].clone(), body["duplicates"].clone()),
        (json!(0), json!(6)),
        "sent twice, they count once"
    );
    let again: Vec<Value> =
        (0..9).map(|n| event(0, format!("again{n}"), "replacement_rejected", "near", json!("milk"))).collect();
    let unknown = event(1, "unknown".into(), "replacement_accepted", "unheard-of", json!("milk"));
    let (_, body) = send(&service, [again, vec![unknown]].concat()).await;
    assert_eq!(
        body["accepted"], 10,
        "written down, and counted no more: of that answer it is known, of that item nothing is"
    );
    let check = async |service: &Service| {
        let (_, answer) = service.get(&format!("{INSTEAD}?explain=true")).await;
        assert!(!ids(&answer).contains(&"same".to_owned()), "{answer}");
        let near = answer["items"].as_array().unwrap().iter().find(|item| item["id"] == "near").unwrap().clone();
        let reasons: Vec<&str> =
            near["reasons"].as_array().unwrap().iter().map(|reason| reason["text"].as_str().unwrap()).collect();
        assert!(reasons.contains(&"taken in its place by 8 of 8 customers"), "{reasons:?}");
        let (_, why) = service.get(&format!("{INSTEAD}/why-not/same")).await;
        assert_eq!(why["verdict"], "rejected");
        // As an alternative to another item it is unaffected.
        assert!(service.ids("/v1/markets/de/items/near/alternatives?limit=20").await.contains(&"same".to_owned()));
    };
    check(&service).await;
    check(&service.restarted().await).await;
    for (kind, item, replaced) in [
        ("replacement_accepted", "same", Value::Null),
        ("replacement_accepted", "same", json!("same")),
        ("click", "same", json!("milk")),
    ] {
        let service = dairy().await;
        let (status, body) = send(&service, vec![event(0, "x".into(), kind, item, replaced)]).await;
        assert_eq!(
            (status, body["rejected"][0]["field"].clone()),
            (StatusCode::UNPROCESSABLE_ENTITY, json!("replaced"))
        );
    }
}

#[tokio::test]
async fn several_missing_items_share_no_alternative() {
    let service = dairy().await;
    let path = "/v1/markets/de/alternatives";
    let body = json!({"items": ["milk", "same", "unheard-of"], "cart": ["near"], "limit": 3});
    let (status, answer) = service.json("POST", path, &body.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let items = answer["items"].as_array().unwrap();
    let missing: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(missing, ["milk", "same", "unheard-of"], "in the order of the question");
    let alternatives = |at: usize| -> Vec<String> {
        let all = items[at]["alternatives"].as_array().unwrap();
        all.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut all = [alternatives(0), alternatives(1), alternatives(2)].concat();
    assert_eq!((alternatives(0).len(), alternatives(2).len()), (3, 0));
    assert!(!alternatives(1).is_empty());
    assert!(["milk", "same", "near"].iter().all(|id| !all.contains(&(*id).to_owned())), "{all:?}");
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "none twice");
    let many: Vec<String> = (0..101).map(|n| format!("i{n}")).collect();
    let (status, body) = service.json("POST", path, &json!({"items": many}).to_string()).await;
    assert_eq!((status, body["field"].clone()), (StatusCode::UNPROCESSABLE_ENTITY, json!("items")));
    let wide = json!({"items": many[..20], "limit": 200}).to_string();
    let (status, body) = service.json("POST", path, &wide).await;
    assert_eq!((status, body["field"].clone()), (StatusCode::UNPROCESSABLE_ENTITY, json!("limit")));
}

/// A few bits per store and item, whatever is sold and pushed.
#[test]
fn three_hundred_stores_of_fifty_thousand_items_are_cheap() {
    const STORES: usize = 300;
    const ITEMS: usize = 50_000;
    let mut ids = Ids::default();
    (0..STORES).for_each(|store| _ = ids.intern(&format!("store {store}")).unwrap());
    // Each store sells every third item.
    let sold: Vec<Item> =
        (0..STORES).flat_map(|store| (0..ITEMS as u32).skip(store % 3).step_by(3).map(Item)).collect();
    let bounds: Vec<u64> = std::iter::once(0)
        .chain((0..STORES).scan(0, |end, store| {
            *end += (ITEMS - store % 3).div_ceil(3) as u64;
            Some(*end)
        }))
        .collect();
    let (baskets, totals) = (vec![3; sold.len()], vec![1000; STORES]);
    let (pairs, mut stores) = (sold.len(), None);
    let made = measure(|| stores = Some(Stores::new(ids, bounds, sold, baskets, totals, 3.0, ITEMS).unwrap()));
    assert!(stores.unwrap().sells(0, Item(0)));
    let megabytes = |bytes: i64| bytes as f64 / 1e6;
    assert!(megabytes(made.bytes_current) < 2.5, "beside six bytes for each of {pairs} pairs: {made:?}");

    let names: Vec<String> = (0..ITEMS).map(|item| format!("{item:08}")).collect();
    let mut stock = StoreStock::default();
    let pushed = measure(|| {
        for store in 0..STORES {
            let store = format!("store {store}");
            names.iter().enumerate().for_each(|(at, item)| stock.say(&store, item, Some(at % 2 == 0)));
        }
    });
    assert_eq!((stock.said("store 7", "00000001"), stock.said("store 7", "00000002")), (Some(false), Some(true)));
    assert!(megabytes(pushed.bytes_current) < 8.0, "fifteen million words: {pushed:?}");
}
