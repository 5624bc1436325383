//! Signals of a shop whose numbers can be computed by hand.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{ANNA, BREAD, BUTTER, JAM, MILK, OAT_MILK, model, parts};
use trolley_model::recommend::{Recommended, Tier, explain};
use trolley_model::signals::{ALL, OF_CUSTOMERS, index};
use trolley_model::{Blend, Customer, FeatureContext, Item, Model, Query, Question};

fn signal(model: &Model, name: &str, query: Query<'_>, candidates: &[Item]) -> Vec<f32> {
    let mut values = vec![f32::NAN; candidates.len()];
    ALL[index(name).unwrap()].fill(&FeatureContext::new(model, query, candidates), &mut values);
    values
}

fn near(got: &[f32], expected: &[f32]) {
    let alike = got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(alike, "{got:?} is not {expected:?}");
}

#[test]
fn what_a_customer_buys_of_a_category_counts_for_all_its_items() {
    let model = model();
    let query = Query { items: &[BREAD], customer: Some(model.profile(ANNA)), ..Query::default() };
    // Anna last bought milk and jam 9 days before the last day, and never oat milk or butter.
    let recency = 30.0 / 39.0;
    near(
        &signal(&model, "category_lately", query, &[BREAD, BUTTER, MILK, JAM, OAT_MILK]),
        &[0.0, recency, recency, recency, recency],
    );
}

#[test]
fn what_tells_of_the_customer_is_called_so() {
    let model = model();
    let candidates = [BREAD, BUTTER, MILK, JAM, OAT_MILK];
    let mut told: Vec<&str> = Vec::new();
    for signal in ALL {
        let of = |customer: Option<Customer>| {
            let mut values = vec![0.0; candidates.len()];
            signal.fill(
                &FeatureContext::new(
                    &model,
                    Query {
                        items: &[JAM],
                        customer: customer.map(|customer| model.profile(customer)),
                        ..Query::default()
                    },
                    &candidates,
                ),
                &mut values,
            );
            values
        };
        if of(Some(ANNA)) != of(None) {
            told.push(signal.name());
        }
    }
    let missing: Vec<&&str> = told.iter().filter(|name| !OF_CUSTOMERS.contains(name)).collect();
    // This shop has no data on offers.
    let beyond: Vec<&&str> =
        OF_CUSTOMERS.iter().filter(|name| !told.contains(name) && **name != "taken_on_offer").collect();
    assert!(missing.is_empty() && beyond.is_empty(), "{missing:?} tell of the customer; {beyond:?} do not");
}

#[test]
fn own_baskets_with_the_item_asked_about_are_told_from_those_without() {
    let model = model();
    let query = Query { items: &[JAM], customer: Some(model.profile(ANNA)), ..Query::default() };
    // The baskets: milk and jam 109 days before the last day, milk alone 9 days before.
    let [both, alone] = [109.0f32, 9.0].map(|age| (-age / 75.0).exp2());
    let usual = (both + alone) / (both + alone + 2.0);
    let share = (both + 1.5 * usual) / (both + 1.5);
    near(&signal(&model, "own_co_purchase", query, &[BREAD, MILK]), &[0.0, (1.0 + 100.0 * share).ln()]);
    // Jam is the only item of its category that she bought, so the baskets are the same.
    near(&signal(&model, "own_category_co_purchase", query, &[BREAD, MILK]), &[0.0, (1.0 + 100.0 * share).ln()]);
}

#[test]
fn lifts_are_shrunk_and_backed_by_the_kind() {
    let query = Query { items: &[BREAD], ..Query::default() };
    // Bakery is in 80 of 100 baskets, spreads in 70, both in 60; dairy in 60, both in 20. Bakery is not its own
    // partner.
    let of_kinds = [63.0f32 / 59.0, 23.0 / 51.0, 3.0 / 67.0].map(f32::ln);
    near(&signal(&model(), "category_lift", query, &[BREAD, BUTTER, MILK]), &[of_kinds[2], of_kinds[0], of_kinds[1]]);
    // Butter has weight 40 in the 80 baskets with bread and in the 80 with bakery; jam has 20 with bread, and is no
    // partner of bakery.
    let backed = |share: f32, popularity: f32| ((share + 0.0105) / (0.35 * popularity + 0.0105)).ln();
    let (butter, jam) = (0.4 + 0.2 * 0.4 + 0.04 * 0.35 * 0.6, 0.2 + 0.04 * 0.35 * 0.4);
    near(&signal(&model(), "kind_backed_lift", query, &[BUTTER, JAM]), &[backed(butter, 0.6), backed(jam, 0.4)]);
}

#[test]
fn what_is_worked_out_beforehand_is_what_would_be_worked_out() {
    let of_items: Vec<&str> = ALL.iter().filter(|signal| signal.is_of_items()).map(|signal| signal.name()).collect();
    assert!(of_items.len() > 1);
    let slopes: Vec<(&str, f32)> = of_items.iter().map(|&name| (name, 1.0)).collect();
    let mut parts = parts();
    parts.blends[Question::BoughtTogether] = Blend::straight(&slopes);
    let model = Model::new(parts).unwrap();
    let query = Query { items: &[BREAD], customer: Some(model.profile(ANNA)), ..Query::default() };
    for item in [BUTTER, MILK, JAM, OAT_MILK] {
        let found = Recommended { item, score: 0.0, tier: Tier::Model };
        for reason in explain(&model, Question::BoughtTogether, &query, &found) {
            near(&[reason.value], &signal(&model, &reason.signal, query, &[item]));
        }
    }
}
