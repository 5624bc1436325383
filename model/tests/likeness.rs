//! Descriptions of items, and stores: stored, opened, scored and explained.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod common;

use common::{BUTTER, CANDLE, JAM, MILK, OAT_MILK, ids};
use trolley_model::attributes::{Attribute, AttributeValues, Attributes};
use trolley_model::co_purchases::Partner;
use trolley_model::recommend::{Limits, Prefer, alternatives, explain};
use trolley_model::{
    Amount, Blend, Catalogue, CoPurchases, Flaw, Item, Model, MustMatch, MustMatches, Offsets, Parts, Query, Question,
    Stores, Unit,
};

/// The shop of `common`, in which milk, oat milk, butter and jam have sizes, brands and prices, and the candle has
/// none. Of its two stores, one sells bread, butter and milk, the other milk and oat milk.
fn parts() -> Parts {
    let mut parts = common::parts();
    let mass = |total| Some(Amount { total, unit: Unit::Mass, pieces: 1.0 });
    let sizes = vec![None, mass(250.0), mass(1000.0), mass(500.0), mass(1000.0), None];
    let brands = [&[][..], &[0], &[0, 1], &[1], &[1], &[]];
    let texts = AttributeValues::Texts {
        texts: ids(&["alpha", "beta"]),
        rows: Offsets::from_lengths(brands.iter().map(|of| of.len())),
        of: brands.concat(),
    };
    let attribute = |name: &str, values| Attribute { name: name.to_owned(), values };
    let fat = AttributeValues::Numbers(vec![f32::NAN, 80.0, 3.5, f32::NAN, 1.5, f32::NAN]);
    let all =
        vec![attribute("brand", texts), attribute("size", AttributeValues::Amounts(sizes)), attribute("fat", fat)];
    parts.attributes = Attributes::new(all, 6).unwrap();
    let offsets = vec![0, 3, 5];
    parts.stores = Stores::new(
        ids(&["north", "south"]),
        offsets,
        [0, 1, 2, 2, 4].map(Item).to_vec(),
        vec![9, 8, 7, 5, 9],
        vec![10, 12],
        1.0,
        6,
    )
    .unwrap();
    let pair = |item, weight| Partner { item, baskets: 4, weight };
    parts.switches = CoPurchases::new([
        vec![],
        vec![pair(JAM, 3.0)],
        vec![pair(OAT_MILK, 2.5)],
        vec![pair(BUTTER, 3.0)],
        vec![pair(MILK, 2.5)],
    ]);
    let prices = vec![2.0, 1.5, 1.0, 2.0, 1.3, -1.0];
    parts.catalogue =
        Catalogue::new(trolley_model::catalogue::CatalogueParts { prices, ..common::stored(&parts.catalogue) })
            .unwrap()
            .with_mixed_categories(vec![1])
            .unwrap();
    parts.blends[Question::AlternativesAnonymous] = Blend::straight(&[
        ("substitute", 1.0),
        ("same_brand", 2.0),
        ("same_size", 1.5),
        ("same_fat", 0.5),
        ("price_ratio", -1.0),
        ("price_likeness", 0.25),
        ("switched", 1.0),
        ("same_customers", 0.5),
        ("store_popularity", 1.0),
        ("replaced", 1.0),
    ]);
    parts
}

#[test]
fn what_was_stored_is_opened_and_answers_alike() {
    let folder = tempfile::tempdir().unwrap();
    let made = Model::new(parts()).unwrap();
    let registry = common::publish_parts(folder.path(), "v1", &parts());
    let opened = registry.open(&common::name("xx"), &common::name("v1")).unwrap().model;
    let shown = |model: &Model| -> Vec<(String, String)> {
        let all = model.attributes().all().iter();
        all.flat_map(|attribute| {
            model.catalogue().numbers().map(|item| (attribute.name.clone(), attribute.shown(item)))
        })
        .collect()
    };
    assert_eq!(shown(&opened), shown(&made));
    assert_eq!(
        shown(&opened)[2..9].iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
        ["alpha, beta", "beta", "beta", "", "", "250 g", "1 kg"]
    );
    assert_eq!(opened.stores().columns(), made.stores().columns());
    assert_eq!(opened.switches(), made.switches());
    assert_eq!(opened.catalogue().mixed_categories(), [1]);
    for item in made.catalogue().numbers() {
        for store in [None, Some(0), Some(1)] {
            let query = Query { items: &[item], store, replacements: &[(OAT_MILK, 0.3)], ..Query::default() };
            assert_eq!(alternatives(&opened, &query, &Limits::best(6)), alternatives(&made, &query, &Limits::best(6)));
        }
    }
}

#[test]
fn each_signal_is_told_by_name_and_they_sum_up() {
    let model = Model::new(parts()).unwrap();
    let query = Query { items: &[MILK], store: Some(1), replacements: &[(OAT_MILK, 0.3)], ..Query::default() };
    let found = alternatives(&model, &query, &Limits::best(6))[0];
    assert_eq!(found.item, OAT_MILK);
    let parts = explain(&model, Question::Alternatives, &query, &found);
    let value = |name: &str| parts.iter().find(|part| part.signal == name).map(|part| part.value);
    assert_eq!(value("same_size"), Some(1.0));
    // One of milk's two brands is the only brand of oat milk.
    assert_eq!(value("same_brand"), None, "half in common is neither alike nor different");
    assert!(value("same_fat").is_some_and(|fat| (fat - (1.0 - 4.0 * 2.0 / 3.5f32).max(-1.0)).abs() < 1e-6));
    assert!(value("price_ratio").is_some_and(|ratio| (ratio - 1.3f32.ln()).abs() < 1e-6));
    assert!(value("store_popularity").is_some_and(|log| log > 0.0), "this store sells more of it: {parts:?}");
    assert_eq!(value("replaced"), Some(0.3));
    let sum: f32 = parts.iter().map(|part| part.share).sum();
    assert!((sum - found.score).abs() < 1e-4, "{sum} is not {}", found.score);
}

#[test]
fn items_of_a_category_that_is_no_kind_do_not_stand_in_by_it() {
    let model = Model::new(parts()).unwrap();
    // Butter and jam are in the mixed category, so only size and price can be flaws.
    assert_eq!(model.flaw(BUTTER, JAM, None), Flaw::None, "500 g for 250 g, at two thirds of the price by weight");
    assert_eq!(model.catalogue().kind(BUTTER), None);
    let found = alternatives(&model, &Query { items: &[CANDLE], ..Query::default() }, &Limits::best(6));
    assert!(found.iter().all(|found| found.tier == trolley_model::recommend::Tier::Model), "{found:?}");
}

#[test]
fn what_must_match_and_has_no_value_does_not() {
    let model = Model::new(parts()).unwrap();
    let rule = |categories: &[&str], attributes: &[&str]| MustMatch {
        categories: categories.iter().map(|text| (*text).to_owned()).collect(),
        attributes: attributes.iter().map(|text| (*text).to_owned()).collect(),
    };
    let forbids = |rules: &[MustMatch], item, other| {
        MustMatches::new(rules, &model).forbids(&model, item, other).map(str::to_owned)
    };
    assert_eq!(forbids(&[rule(&["dairy"], &["size"])], MILK, OAT_MILK), None);
    assert_eq!(forbids(&[rule(&["dairy"], &["size", "brand"])], MILK, OAT_MILK).as_deref(), Some("brand"));
    assert_eq!(forbids(&[rule(&["dairy"], &["brand"])], BUTTER, OAT_MILK), None, "butter is not of that category");
    assert_eq!(forbids(&[rule(&[], &["fat"])], MILK, JAM).as_deref(), Some("fat"), "jam has none");
    assert_eq!(forbids(&[rule(&[], &["colour"])], MILK, MILK).as_deref(), Some("colour"), "which nothing has");
    assert!(rule(&["dairy"], &[]).check().is_err() && rule(&[""], &["fat"]).check().is_err());
}

#[test]
fn wishes_for_prices_come_before_the_scores() {
    let model = Model::new(parts()).unwrap();
    let first = |prefer| {
        let limits = Limits { prefer, ..Limits::best(6) };
        alternatives(&model, &Query { items: &[OAT_MILK], ..Query::default() }, &limits)[0].item
    };
    assert_eq!(first(Some(Prefer::Cheaper)), MILK);
    assert_eq!(
        (model.instead(MILK, JAM), model.instead(JAM, MILK), model.instead(MILK, CANDLE)),
        (Some(2), Some(1), None)
    );
    assert!((model.price_times(MILK, JAM).unwrap() - 4.0).abs() < 1e-6, "twice the price for half of it");
}
