//! Planted structure in synthetic baskets is learned.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

use std::fmt::Write;

use trolley_model::recommend::{Limits, alternatives, bought_together, candidates, pool};
use trolley_model::{Item, Model, Query};
use trolley_training::input::{InputConfig, Items, RowOutcomes, read_transactions};
use trolley_training::{Scope, Silent, TrainingConfig, fit};

/// Twenty meals, each of a dish, its sauce and its side, with one of ten staples. Every dish has two brands that are
/// never bought together. Customers are loyal to a brand: even ones to A, odd ones to B.
fn shop(folder: &std::path::Path) -> Model {
    let mut lines = String::from("basket_id,item_id,timestamp,customer_id\n");
    let mut state = 1u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for basket in 0..4000 {
        let customer = basket % 40;
        let (brand, meal, staple) = (if customer % 2 == 0 { 'a' } else { 'b' }, draw(20), draw(10));
        let items = [format!("dish-{meal}-{brand}"), format!("sauce-{meal}"), format!("side-{meal}")];
        for item in items.into_iter().chain([format!("staple-{staple}")]) {
            writeln!(lines, "{basket},{item},2024-01-{:02},{customer}", 1 + basket * 28 / 4000).unwrap();
        }
    }
    let path = folder.join("t.csv");
    std::fs::write(&path, lines).unwrap();
    let config: InputConfig = serde_json::from_value(serde_json::json!({ "transactions": path })).unwrap();
    let transactions =
        read_transactions(&config, "x", i64::MAX, &Items::default(), &mut RowOutcomes::counted()).unwrap();
    let until = transactions.baskets.len();
    let config = TrainingConfig::default();
    Model::new(fit(&transactions, until, &Items::default(), &[], &config, Scope::All, &Silent).unwrap().parts).unwrap()
}

#[test]
fn planted_complements_and_substitutes_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let model = shop(folder.path());
    let item = |id: String| model.catalogue().position(&id).unwrap();
    let limits = Limits::best(3);
    for meal in 0..20 {
        let dish = item(format!("dish-{meal}-a"));
        let with: Vec<Item> = bought_together(&model, &Query { items: &[dish], ..Query::default() }, &limits)
            .iter()
            .map(|found| found.item)
            .collect();
        assert!(with.contains(&item(format!("sauce-{meal}"))), "meal {meal}: its sauce goes with it");
        let other_brand = item(format!("dish-{meal}-b"));
        assert!(!with.contains(&other_brand), "meal {meal}: nobody buys both brands");
        let instead = alternatives(&model, &Query { items: &[dish], ..Query::default() }, &limits)[0].item;
        assert_eq!(instead, other_brand, "meal {meal}: the other brand stands in");
    }
}

/// The pool of a customer who has bought most of the ninety items contains them all.
#[test]
fn what_goes_with_an_item_passes_the_pre_ranking() {
    let folder = tempfile::tempdir().unwrap();
    let model = shop(folder.path());
    let item = |id: String| model.catalogue().position(&id).unwrap();
    let customer = model.histories().position("0");
    for meal in 0..20 {
        let items = [item(format!("dish-{meal}-a"))];
        let query =
            Query { items: &items, customer: customer.map(|customer| model.profile(customer)), ..Query::default() };
        let (pool, passed) = (pool(&model, &query, &Limits::best(3)), candidates(&model, &query, &Limits::best(3)));
        assert!(passed.len() < pool.len(), "{} of {}", passed.len(), pool.len());
        for goes_with in ["sauce", "side"] {
            assert!(passed.contains(&item(format!("{goes_with}-{meal}"))), "meal {meal}: its {goes_with}");
        }
    }
}

#[test]
fn factors_tell_the_two_kinds_of_customers_apart() {
    let folder = tempfile::tempdir().unwrap();
    let model = shop(folder.path());
    let customer = |id: &str| model.histories().position(id).unwrap();
    let score = |customer: trolley_model::Customer, item: Item| {
        let factors = model.customer_factors();
        factors.norm(customer.0) * model.item_factors().dot(item.0, factors.unit(customer.0))
    };
    for meal in 0..20 {
        let item = |brand: char| model.catalogue().position(&format!("dish-{meal}-{brand}")).unwrap();
        assert!(score(customer("0"), item('a')) > score(customer("0"), item('b')) + 0.3);
        assert!(score(customer("1"), item('b')) > score(customer("1"), item('a')) + 0.3);
    }
}
