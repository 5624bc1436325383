//! An evaluated model knows nothing from after its cut-off.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use trolley_model::Name;
use trolley_model::artefact::{Manifest, ModelRegistry};
use trolley_training::input::{OfferRow, RowOutcomes, Transactions};
use trolley_training::{
    Accept, BlendConfig, EvaluationConfig, IalsConfig, InputConfig, Silent, SkipGramConfig, Tables, TrainingConfig,
    TrainingJob, read, train,
};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");
const DAY: i64 = 86_400;
const TEST_DAYS: u16 = 21;

fn market() -> Name {
    Name::new("us").unwrap()
}

fn sample() -> Tables {
    let input: InputConfig = serde_json::from_value(serde_json::json!({
        "transactions": format!("{SAMPLE}/transactions.parquet"),
        "items": format!("{SAMPLE}/products.parquet"),
        "offers": format!("{SAMPLE}/offers.parquet"),
        "columns": {
            "transactions": {
                "customer_id": "household_id", "item_id": "product_id", "timestamp": "transaction_timestamp"
            },
            "items": { "item_id": "product_id", "category": "product_type" },
            "offers": { "numbers": ["mailer_stores"] }
        }
    }))
    .unwrap();
    let latest = chrono::DateTime::<chrono::Utc>::MAX_UTC;
    read(&market(), &input, &[], RowOutcomes::counted(), latest, &Silent).unwrap()
}

/// The first test day.
fn cut_off(transactions: &Transactions) -> u16 {
    transactions.baskets.last().unwrap().day + 1 - TEST_DAYS
}

/// The baskets as a table. With `other`, purchases after the cut-off are by other customers, on
/// mirrored days (except the last basket), and of permuted or new items.
fn baskets(transactions: &Transactions, other: bool) -> String {
    let (cut, last) = (cut_off(transactions), transactions.baskets.last().unwrap().day);
    let mut text = String::from("basket_id,item_id,timestamp,customer_id\n");
    let number_of_items = transactions.items.len() as u32;
    for (number, basket) in transactions.baskets.iter().enumerate() {
        let later = other && basket.day >= cut;
        let day = if later && number + 1 < transactions.baskets.len() { last + cut - basket.day } else { basket.day };
        let customer = transactions.customers.get(basket.customer);
        let customer = if later { format!("0-later-{customer}") } else { customer.to_owned() };
        for &item in transactions.items_of(number) {
            let id = match later {
                true if item.is_multiple_of(7) => format!("0-new-{item}"),
                true => transactions.items.get((item * 31 + 5) % number_of_items).to_owned(),
                false => transactions.items.get(item).to_owned(),
            };
            writeln!(text, "{number:06},{id},{},{customer}", i64::from(day) * DAY + DAY / 2).unwrap();
        }
    }
    text
}

/// The offers as a table. With `other`, those that begin after the cut-off are of other items and begin a day later.
fn offers(rows: &[OfferRow], cut: u16, other: bool) -> String {
    let mut text = String::from("offer_id,item_id,valid_from,valid_to,mailer_stores\n");
    for (number, row) in rows.iter().enumerate() {
        let (from, to) = (row.valid_from.unwrap(), row.valid_to.unwrap());
        let later = other && from >= i64::from(cut) * DAY;
        let item = if later { &rows[(number * 31 + 5) % rows.len()].item } else { &row.item };
        let shift = if later { DAY } else { 0 };
        let stores = row.numbers[0] + if later { 50.0 } else { 0.0 };
        writeln!(text, "o{number},{item},{},{},{stores}", from + shift, to + shift).unwrap();
    }
    text
}

/// Trains on the sample, with its own or another future. Returns the manifests of the published and the held-out model.
fn trained(folder: &Path, other: bool) -> (Manifest, Manifest) {
    fs::create_dir_all(folder).unwrap();
    let tables = sample();
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let input: InputConfig = serde_json::from_value(serde_json::json!({
        "transactions": file("t.csv", baskets(&tables.transactions, other)),
        "items": format!("{SAMPLE}/products.parquet"),
        "offers": file("o.csv", offers(&tables.offers, cut_off(&tables.transactions), other)),
        "columns": {
            "items": { "item_id": "product_id", "category": "product_type" },
            "offers": { "numbers": ["mailer_stores"] }
        }
    }))
    .unwrap();
    let config = TrainingConfig {
        skipgram: SkipGramConfig { epochs: 1, dims: 8, ..Default::default() },
        ials: IalsConfig { iterations: 1, dims: 8, ..Default::default() },
        blend: BlendConfig { rounds: 10, cases: 1500, ..Default::default() },
        evaluation: EvaluationConfig {
            test_days: TEST_DAYS,
            validation_days: 21,
            offer_weeks: 2,
            ..Default::default()
        },
        ..TrainingConfig::default()
    };
    let registry = ModelRegistry::new(folder.join("models"));
    let job = TrainingJob {
        market: &market(),
        input: &input,
        config: &config,
        registry: &registry,
        rejects: folder.join("rejects.csv"),
        now: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        latest: chrono::DateTime::<chrono::Utc>::MAX_UTC,
        erased: &|_| false,
        pushed: &[],
        threads: 0,
        accept: Accept::default(),
        force: true,
    };
    let outcome = train(&job, &Silent).unwrap();
    let importances = outcome.evaluation.unwrap().feature_importances;
    let empty: Vec<&String> = importances.iter().filter(|(_, of)| of.is_empty()).map(|(name, _)| name).collect();
    // In the few weeks of this test, too little is new to be learned from.
    assert!(empty.iter().all(|name| *name == "new_for_you"), "all other blends were learned: {empty:?}");
    let published = outcome.manifest.unwrap();
    let held_out = registry.held_out().manifest(&market(), &published.version).unwrap();
    (published, held_out)
}

#[test]
fn another_future_leaves_the_held_out_model_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (published, held_out) = trained(&folder.path().join("one"), false);
    let (other_published, other_held_out) = trained(&folder.path().join("other"), true);
    assert_ne!(published.data.fingerprint, other_published.data.fingerprint, "the future is another one");
    assert_ne!(published.files["items.safetensors"], other_published.files["items.safetensors"]);
    assert_eq!(held_out.data.fingerprint, other_held_out.data.fingerprint);
    for (file, facts) in &held_out.files {
        assert_eq!(other_held_out.files[file], *facts, "{file} knows of the future");
    }
    assert_eq!(held_out.weights, other_held_out.weights, "the blends know of the future");
}
