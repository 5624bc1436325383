//! Models learned from the real sample: better than what they would replace, and the same at any number of threads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use trolley_model::Name;
use trolley_model::artefact::Shelf;
use trolley_training::{InputConfig, Order, Silent, Tables, TrainingConfig, evaluate, read, train};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");

fn input() -> InputConfig {
    serde_json::from_value(serde_json::json!({
        "transactions": format!("{SAMPLE}/transactions.parquet"),
        "items": format!("{SAMPLE}/products.parquet"),
        "exclude": { "department": ["FUEL", "MISCELLANEOUS"] },
        "columns": {
            "transactions": {
                "customer_id": "household_id", "item_id": "product_id", "timestamp": "transaction_timestamp"
            },
            "items": { "item_id": "product_id", "category": "product_type" }
        }
    }))
    .unwrap()
}

fn us() -> Name {
    Name::new("us").unwrap()
}

/// The last month was never looked at when the weights were set by hand. A model whose embeddings, counts, factors or
/// histories are broken falls below these margins.
#[test]
fn answers_beat_the_baselines_on_weeks_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let Tables { transactions, items, .. } =
        read(&us(), &input(), &folder.path().join("rejects.csv"), chrono::DateTime::<chrono::Utc>::MAX_UTC, &Silent)
            .unwrap();
    let found = evaluate(&transactions, &items, &TrainingConfig::default(), 31, &Silent).unwrap();
    assert!(found.queries > 1500, "{} queries", found.queries);
    let score = |name: &str| &found.scores[name];
    let (anonymous, count) = (score("model, anonymous"), score("co-purchase count"));
    assert!(anonymous.hit_rate > 1.02 * count.hit_rate, "{anonymous:?} beside {count:?}");
    assert!(anonymous.recall > 1.02 * count.recall, "{anonymous:?} beside {count:?}");
    let (known, own) = (score("model"), score("customer's most frequent"));
    assert!(known.hit_rate > 1.02 * own.hit_rate, "{known:?} beside {own:?}");
    assert!(known.ndcg > 1.05 * own.ndcg, "{known:?} beside {own:?}");
    assert!(score("bestsellers").hit_rate > 0.2, "the baselines themselves are sound");
}

/// All files of the artefact that a training wrote, by name.
fn trained(folder: &Path, threads: usize, seed: u64) -> BTreeMap<String, Vec<u8>> {
    let config = TrainingConfig {
        seed,
        skipgram: trolley_training::SkipGramConfig { epochs: 2, dims: 32, ..Default::default() },
        ials: trolley_training::IalsConfig { iterations: 2, dims: 32, ..Default::default() },
        ..TrainingConfig::default()
    };
    let shelf = Shelf::new(folder.join(format!("models-{threads}-{seed}")));
    let order = Order {
        market: &us(),
        input: &input(),
        config: &config,
        shelf: &shelf,
        rejects: folder.join("rejects.csv"),
        now: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        latest: chrono::DateTime::<chrono::Utc>::MAX_UTC,
        threads,
    };
    let manifest = train(&order, &Silent).unwrap();
    let path = shelf.path().join("us").join(manifest.version);
    fs::read_dir(path)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn one_two_and_three_threads_write_the_same_bytes_and_another_seed_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let one = trained(folder.path(), 1, 1);
    assert_eq!(one.len(), 8);
    for threads in [2, 3] {
        let other = trained(folder.path(), threads, 1);
        for (file, bytes) in &one {
            assert!(other[file] == *bytes, "{file} differs between 1 and {threads} threads");
        }
    }
    let other = trained(folder.path(), 2, 2);
    assert_ne!(other["items.input.fifu"], one["items.input.fifu"]);
    assert_eq!(other["histories.safetensors"], one["histories.safetensors"], "counting knows no chance");
}

#[test]
fn two_models_made_in_the_same_second_both_stay() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "basket_id,item_id,timestamp\nb,x,2024-01-05\nb,y,2024-01-05\n";
    fs::write(folder.path().join("t.csv"), lines).unwrap();
    let input = serde_json::from_value(serde_json::json!({ "transactions": folder.path().join("t.csv") })).unwrap();
    let shelf = Shelf::new(folder.path().join("models"));
    let order = Order {
        market: &us(),
        input: &input,
        config: &TrainingConfig::default(),
        shelf: &shelf,
        rejects: folder.path().join("rejects.csv"),
        now: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        latest: chrono::DateTime::<chrono::Utc>::MAX_UTC,
        threads: 1,
    };
    let (first, second) = (train(&order, &Silent).unwrap(), train(&order, &Silent).unwrap());
    assert!(first.version < second.version);
    assert_eq!(shelf.current(&us()).unwrap(), second.version);
    assert_eq!(first.data.fingerprint, second.data.fingerprint);
    // Two items, no customer, nothing learned: what is left still answers.
    let opened = shelf.open(&us(), &second.version).unwrap();
    let limits = trolley_model::recommend::Limits { limit: 6, allowed: &|_| true, repeats: true };
    let ask = trolley_model::Ask { items: &[0], customer: None };
    assert_eq!(trolley_model::recommend::bought_together(&opened.model, &ask, &limits).len(), 1);
}
