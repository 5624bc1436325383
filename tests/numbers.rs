//! The scores of answers over HTTP. The stored model has known tables, so the scores can be computed by hand. They do
//! not depend on a training, nor on the processor except for rounding.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use common::Service;
use serde_json::Value;

/// A service with the artefact in `model/tests/fixtures` as market `xx`.
async fn service() -> Service {
    let folder = tempfile::tempdir().unwrap();
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("model/tests/fixtures/format-3");
    copy(&fixture, &folder.path().join("models"));
    let url = format!("sqlite:{}", folder.path().join("state.sqlite").display());
    Service::started(folder, &url).await
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            _ = std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The items of an answer with their scores.
fn scores(body: &Value) -> Vec<(String, f64)> {
    let score = |item: &Value| (item["id"].as_str().unwrap().to_owned(), item["score"].as_f64().unwrap());
    body["items"].as_array().unwrap().iter().map(score).collect()
}

fn near(found: &[(String, f64)], expected: &[(&str, f64)]) {
    let alike = |(one, other): (&(String, f64), &(&str, f64))| one.0 == other.0 && (one.1 - other.1).abs() < 1e-4;
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(alike), "{found:?} is not {expected:?}");
}

/// `ln(1 + 2000 p)`, the scale for small shares.
fn small(share: f64) -> f64 {
    (2000.0 * share).ln_1p()
}

/// `ln(1 + 100 p)`, the scale for large shares.
fn large(share: f64) -> f64 {
    (100.0 * share).ln_1p()
}

/// The shrunk share of bread's 80 baskets that hold an item, from the weight of the pair; 20 prior baskets hold the
/// item with its usual share.
fn with_bread(weight: f64, popularity: f64) -> f64 {
    small((weight + 20.0 * popularity) / 100.0)
}

#[tokio::test]
async fn bought_together_is_the_sum_that_the_blend_says() {
    let service = service().await;
    let (_, body) = service.get("/v1/markets/xx/items/bread/bought-together?limit=3").await;
    // Co-purchase, plus a tenth of the inner product of bread's input vector (1, 0) and the other's output vector, plus
    // a tenth of popularity.
    let expected = [
        ("butter", with_bread(40.0, 0.6) + 0.1 * 2.0 + 0.1 * small(0.6)),
        ("jam", with_bread(20.0, 0.4) + 0.1 * 1.0 + 0.1 * small(0.4)),
        ("milk", with_bread(10.0, 0.5) + 0.1 * 0.3 + 0.1 * small(0.5)),
    ];
    near(&scores(&body), &expected);
}

#[tokio::test]
async fn a_customers_habits_taste_and_purchases_add_up() {
    let service = service().await;
    let path = "/v1/markets/xx/items/bread/bought-together?limit=3&customer=anna&detail=full";
    let (_, body) = service.get(path).await;
    // Half of co-purchase; the item's share of 3.5 decayed baskets, shrunk by 2; 0.25 from the tree, for items bought
    // before; a tenth of the inner product of anna's factors (1, 0.2) and the item's.
    let habit = |decayed: f64| large(decayed / 5.5);
    let expected = [
        ("milk", 0.5 * with_bread(10.0, 0.5) + habit(3.0) + 0.25 + 0.1 * (0.8 + 0.2 * 0.1)),
        ("jam", 0.5 * with_bread(20.0, 0.4) + habit(0.5) + 0.25 + 0.1 * (0.4 + 0.2 * 0.2)),
        ("butter", 0.5 * with_bread(40.0, 0.6) + 0.1 * (0.1 + 0.2 * 0.2)),
    ];
    near(&scores(&body), &expected);
    for item in body["items"].as_array().unwrap() {
        let parts: f64 = item["parts"].as_array().unwrap().iter().map(|part| part["share"].as_f64().unwrap()).sum();
        assert!((parts - item["score"].as_f64().unwrap()).abs() < 1e-4, "the parts are the score: {item}");
    }
}

#[tokio::test]
async fn offers_and_their_audience_have_the_same_scores() {
    let service = service().await;
    let offers = r#"{"offers": [{"id": "o1", "items": ["milk"]},
        {"id": "o2", "items": ["butter"], "numbers": {"discount": 0.5}}]}"#;
    assert_eq!(service.json("PUT", "/v1/markets/xx/offers", offers).await.0, 200);
    let (_, body) = service.get("/v1/markets/xx/customers/anna/offers").await;
    // Of 30 recent baskets, 10 hold milk, and 20 butter.
    let milk = large(3.0 / 5.5) + 0.5 * 0.82 + 0.1 * small(10.0 / 30.0);
    near(&scores(&body), &[("o1", milk), ("o2", 0.5 * 0.14 + 0.1 * small(20.0 / 30.0) + 2.0 * 0.5)]);
    let (_, audience) = service.get("/v1/markets/xx/offers/o1/audience").await;
    let bert = 0.5 * (0.5 * 0.8 + 0.5 * 0.1) + 0.1 * small(10.0 / 30.0);
    near(&scores(&audience), &[("anna", milk), ("bert", bert)]);
}
