//! Any shop, however small and odd, gives a model with finite scores, or a typed error.
#![allow(clippy::unwrap_used, clippy::format_collect, reason = "a test")]

use std::collections::HashSet;
use std::fs;

use proptest::prelude::*;
use trolley_model::artefact::ModelRegistry;
use trolley_model::recommend::{Limits, PreparedOffers, alternatives, bought_together, offers};
use trolley_model::{Item, Model, Name, Query};
use trolley_training::input::InputConfig;
use trolley_training::{Accept, Silent, TrainError, TrainingConfig, TrainingJob, train};

/// A line: basket, item, day, customer (0 for anonymous).
type Line = (u8, u8, u16, u8);

fn outcome(lines: &[Line], with_items: bool) -> Result<Model, TrainError> {
    let folder = tempfile::tempdir().unwrap();
    let day = |day: u16| chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + chrono::Days::new(day.into());
    let rows: String = lines
        .iter()
        .map(|&(basket, item, at, customer)| {
            let customer = if customer == 0 { String::new() } else { format!("c{customer}") };
            format!("b{basket},i{item},{},{customer}\n", day(at))
        })
        .collect();
    fs::write(folder.path().join("t.csv"), format!("basket_id,item_id,timestamp,customer_id\n{rows}")).unwrap();
    let items: String = (0..50).map(|item| format!("i{item},k{}\n", item % 4)).collect();
    fs::write(folder.path().join("i.csv"), format!("item_id,category\n{items}")).unwrap();
    let mut input: InputConfig =
        serde_json::from_value(serde_json::json!({ "transactions": folder.path().join("t.csv") })).unwrap();
    input.items = with_items.then(|| folder.path().join("i.csv").display().to_string());
    let mut config = TrainingConfig { min_baskets: 2, ..TrainingConfig::default() };
    config.evaluation.test_days = 10;
    config.evaluation.validation_days = 10;
    config.evaluation.offer_weeks = 1;
    let job = TrainingJob {
        market: &Name::new("x").unwrap(),
        input: &input,
        config: &config,
        registry: &ModelRegistry::new(folder.path().join("models")),
        rejects: folder.path().join("rejects.csv"),
        now: "2025-01-01T00:00:00Z".parse().unwrap(),
        latest: "2025-01-01T00:00:00Z".parse().unwrap(),
        erased: &|_| false,
        pushed: &[],
        threads: 1,
        accept: Accept::default(),
        force: true,
    };
    train(&job, &Silent).map(|outcome| outcome.model)
}

/// Asks every question, and checks that all scores are numbers, and that no list repeats an item or contains the
/// requested one.
fn is_sound(model: &Model) -> Result<(), TestCaseError> {
    let limits = Limits::best(6);
    let customers: Vec<_> = model.histories().numbers().collect();
    for item in model.catalogue().numbers() {
        for customer in [None].into_iter().chain(customers.iter().take(3).copied().map(Some)) {
            let asked = [item];
            let together = bought_together(
                model,
                &Query {
                    items: &asked,
                    customer: customer.map(|customer| model.profile(customer)),
                    ..Query::default()
                },
                &limits,
            );
            for answer in [
                together,
                alternatives(
                    model,
                    &Query {
                        items: &[item],
                        customer: customer.map(|customer| model.profile(customer)),
                        ..Query::default()
                    },
                    &limits,
                ),
            ] {
                prop_assert!(answer.iter().all(|one| one.score.is_finite() && one.item != item), "{:?}", answer);
                let distinct: HashSet<Item> = answer.iter().map(|one| one.item).collect();
                prop_assert_eq!(distinct.len(), answer.len());
            }
        }
    }
    let none = PreparedOffers::new(model, &[]);
    prop_assert!(customers.iter().all(|&customer| offers(model, Some(model.profile(customer)), &none, 6).is_empty()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_shop_of_any_size_is_sound_or_refused_in_words(
        (items, customers, days) in (1u8..50, 1u8..50, 1u16..120),
        drawn in proptest::collection::vec((0u8..50, any::<u8>(), any::<u16>(), any::<u8>()), 1..200),
        with_items: bool,
    ) {
        // All lines of a basket get the same day and customer.
        let lines: Vec<Line> = drawn
            .iter()
            .map(|&(basket, item, ..)| {
                let (_, _, day, customer) = drawn[usize::from(basket) % drawn.len()];
                (basket, item % items, day % days, customer % (customers + 1))
            })
            .collect();
        match outcome(&lines, with_items) {
            Ok(model) => is_sound(&model)?,
            Err(error) => prop_assert!(error.to_string().len() > 20, "{}", error),
        }
    }
}

/// Degenerate shops.
#[test]
fn the_oddest_shops() {
    let shops: [(&str, Vec<Line>); 6] = [
        ("one line", vec![(0, 0, 0, 1)]),
        ("one item", (0..120).map(|n| (n, 0, n.into(), 1 + n % 5)).collect()),
        ("one customer", (0..120).flat_map(|n| [(n, n % 6, n.into(), 1), (n, (n + 1) % 6, n.into(), 1)]).collect()),
        ("one day", (0..60).flat_map(|n| [(n, n % 5, 0, 1 + n % 3), (n, (n + 1) % 5, 0, 1 + n % 3)]).collect()),
        ("every item once", (0..50).map(|n| (n / 2, n, n.into(), 1 + n % 7)).collect()),
        ("all baskets the same", (0..100).flat_map(|n| (0..3).map(move |k| (n, k, n.into(), 1 + n % 4))).collect()),
    ];
    for (name, lines) in shops {
        let model = outcome(&lines, true).unwrap_or_else(|error| panic!("{name}: {error}"));
        is_sound(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
