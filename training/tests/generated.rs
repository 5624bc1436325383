//! The planted pairs of a synthetic shop are found.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use trolley_model::artefact::ModelRegistry;
use trolley_model::recommend::{Limits, alternatives, bought_together};
use trolley_model::{Item, Name, Query};
use trolley_training::{Accept, InputConfig, Shop, ShopSize, Silent, TrainingConfig, TrainingJob};

#[test]
fn planted_complements_and_substitutes_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let size = ShopSize { lines: 200_000, items: 800, customers: 1500, days: 300 };
    let shop = Shop::new(size, 1);
    let lines = shop.write(folder.path(), &Silent).unwrap();
    assert!((160_000..240_000).contains(&lines), "{lines} lines");
    let input: InputConfig = serde_json::from_value(serde_json::json!({
        "transactions": folder.path().join("transactions-*.csv"), "items": folder.path().join("items.csv")
    }))
    .unwrap();
    let job = TrainingJob {
        market: &Name::new("shop").unwrap(),
        input: &input,
        config: &TrainingConfig::default(),
        registry: &ModelRegistry::new(folder.path().join("models")),
        rejects: folder.path().join("rejects.csv"),
        now: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        latest: chrono::DateTime::<chrono::Utc>::MAX_UTC,
        erased: &|_| false,
        pushed: &[],
        threads: 0,
        accept: Accept::default(),
        force: true,
    };
    let model = trolley_training::train(&job, &Silent).unwrap().model;
    let number = |item: u32| model.catalogue().position(&format!("i{item}"));
    let share = |pairs: &[(u32, u32)], answer: &dyn Fn(Item) -> Vec<Item>| {
        let known: Vec<(Item, Item)> = pairs.iter().filter_map(|&(a, b)| Some((number(a)?, number(b)?))).collect();
        let found = known.iter().filter(|(item, other)| answer(*item).contains(other)).count();
        assert!(known.len() > 50, "{} pairs", known.len());
        found as f64 / known.len() as f64
    };
    let six = Limits::best(6);
    let (complements, substitutes) = shop.planted();
    let together = |item: Item| {
        let found = bought_together(&model, &Query { items: &[item], ..Query::default() }, &six);
        found.into_iter().map(|found| found.item).collect()
    };
    let instead = |item: Item| {
        alternatives(&model, &Query { items: &[item], ..Query::default() }, &six)
            .into_iter()
            .map(|found| found.item)
            .collect()
    };
    let (complements, substitutes) = (share(&complements, &together), share(&substitutes, &instead));
    assert!(complements > 0.9, "{complements:.2} of the complements");
    // By chance it would be 0.55: six of the eleven other items of a category.
    assert!(substitutes > 0.62, "{substitutes:.2} of the substitutes");
}
