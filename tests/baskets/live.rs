//! The sample's last weeks, pushed as they happened: answers that know them are better than those of the same model
//! without.

use std::fmt::Write;
use std::path::Path;

use crate::common::{self, Service};
use axum::http::StatusCode;
use serde_json::{Value, json};
use trolley_training::input::{ANONYMOUS, Items, RowOutcomes, Transactions, read_transactions};
use trolley_training::{InputConfig, TrainingConfig};

/// Days at the end of the sample that the model does not know.
const DAYS: u16 = 21;

/// Length of the lists.
const K: usize = 10;

fn sample() -> Transactions {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let input: InputConfig = serde_json::from_value(json!({
        "transactions": format!("{folder}/transactions.parquet"),
        "columns": {"transactions": {
            "customer_id": "household_id", "item_id": "product_id", "timestamp": "transaction_timestamp"
        }}
    }))
    .unwrap();
    read_transactions(&input, "us", i64::MAX, &Items::default(), &mut RowOutcomes::counted()).unwrap()
}

fn time(day: u16) -> String {
    let day = chrono::NaiveDate::default() + chrono::Days::new(u64::from(day));
    format!("{day}T12:00:00Z")
}

/// Trains on the baskets before the last days, and publishes to `folder/models`.
fn train(folder: &Path, sample: &Transactions, until: usize) {
    let mut table = String::from("basket_id,item_id,timestamp,customer_id\n");
    for (basket, head) in sample.baskets.iter().enumerate().take(until) {
        let customer = if head.customer == ANONYMOUS { "" } else { sample.customers.get(head.customer) };
        for &item in sample.items_of(basket) {
            writeln!(table, "{basket},{},{},{customer}", sample.items.get(item), time(head.day)).unwrap();
        }
    }
    std::fs::write(folder.join("t.csv"), table).unwrap();
    let input: InputConfig = serde_json::from_value(json!({ "transactions": folder.join("t.csv") })).unwrap();
    let config: TrainingConfig = serde_json::from_value(json!({
        "skipgram": {"epochs": 1, "dims": 16}, "ials": {"iterations": 3, "dims": 16},
        "blend": {"rounds": 20, "cases": 600, "item_focus": 0.5},
        "evaluation": {"test_days": 7, "validation_days": 14, "offer_weeks": 1}
    }))
    .unwrap();
    common::train_with(folder, &common::name("us"), 1_710_000_000, &input, &config);
}

async fn service(folder: &Path, state: &str) -> Service {
    let own = tempfile::tempdir().unwrap();
    // Both services have the same model.
    let copied = std::process::Command::new("cp").arg("-r").arg(folder.join("models")).arg(own.path()).status();
    assert!(copied.unwrap().success());
    let url = format!("sqlite:{}", own.path().join(state).display());
    Service::started(own, &url).await
}

/// nDCG@K of a list, in which the items bought are relevant.
fn ndcg(shown: &[String], wanted: &[&str]) -> f64 {
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let found = shown.iter().enumerate().filter(|(_, id)| wanted.contains(&id.as_str())).map(|(rank, _)| gain(rank));
    found.sum::<f64>() / (0..wanted.len().min(K)).map(gain).sum::<f64>()
}

#[tokio::test]
async fn answers_that_know_the_last_weeks_are_better() {
    let (folder, sample) = (tempfile::tempdir().unwrap(), sample());
    let from = sample.before(sample.baskets.last().unwrap().day - DAYS + 1);
    train(folder.path(), &sample, from);
    let (live, still) = (service(folder.path(), "a").await, service(folder.path(), "b").await);
    let mut sums = [0.0; 2];
    let (mut cases, mut bought) = (0, vec![0usize; sample.customers.len()]);
    for basket in from..sample.baskets.len() {
        let head = sample.baskets[basket];
        if head.customer == ANONYMOUS {
            continue;
        }
        let customer = sample.customers.get(head.customer);
        let items: Vec<&str> = sample.items_of(basket).iter().map(|&item| sample.items.get(item)).collect();
        if bought[head.customer as usize] > 0 {
            let (asked, others) = items.split_first().unwrap();
            let questions = [
                (format!("/v1/markets/us/customers/{customer}/buy-again?limit={K}"), &items[..]),
                (format!("/v1/markets/us/items/{asked}/bought-together?customer={customer}&limit={K}"), others),
            ];
            for (path, wanted) in questions.iter().filter(|(_, wanted)| !wanted.is_empty()) {
                for (sum, service) in sums.iter_mut().zip([&live, &still]) {
                    *sum += ndcg(&service.ids(path).await, wanted);
                }
                cases += 1;
            }
        }
        bought[head.customer as usize] += 1;
        let lines: Vec<Value> = items.iter().map(|id| json!({ "id": id })).collect();
        let pushed = json!({ "id": basket.to_string(), "customer": customer, "time": time(head.day), "items": lines });
        let (status, answer) =
            live.json("POST", "/v1/markets/us/baskets", &json!({ "baskets": [pushed] }).to_string()).await;
        assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(1)), "{answer}");
    }
    assert!(cases > 300, "{cases} cases");
    let [live, still] = sums.map(|sum| sum / f64::from(cases));
    assert!(live > 1.01 * still, "nDCG@{K} {live:.4} with the last weeks, {still:.4} without, in {cases} cases");
}
