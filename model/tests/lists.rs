//! The rules for lists of bought together.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{ANNA, BREAD, BUTTER, JAM, MILK, OAT_MILK, parts};
use trolley_model::recommend::{Limits, Offer, PreparedOffers, Tier, bought_together, candidates, offers};
use trolley_model::{Customer, Item, ListRules, Model, Query};

fn model(list: ListRules) -> Model {
    let mut parts = parts();
    parts.blends.list = list;
    Model::new(parts).unwrap()
}

/// The items of the tier `model` for bread, from the answer cache; checked against computed ones, which a boost of 0
/// enforces.
fn with_bread(model: &Model, limit: usize, allowed: &(dyn Fn(Item) -> bool + Sync)) -> Vec<Item> {
    let limits = Limits { allowed, ..Limits::best(limit) };
    let answer = |limits: &Limits<'_>| {
        let found = bought_together(model, &Query { items: &[BREAD], ..Query::default() }, limits);
        found.iter().filter(|found| found.tier == Tier::Model).map(|found| found.item).collect::<Vec<Item>>()
    };
    let kept = answer(&limits);
    assert_eq!(kept, answer(&Limits { boost: Some(&|_| 0.0), ..limits }));
    kept
}

#[test]
fn no_more_of_a_category_than_the_rules_have_it_unless_the_list_would_be_short() {
    let (plain, varied) = (model(ListRules::none()), model(ListRules { per_category: 1, ..ListRules::none() }));
    assert_eq!(with_bread(&plain, 2, &|_| true), [BUTTER, JAM], "both are spreads");
    assert_eq!(with_bread(&varied, 2, &|_| true), [BUTTER, MILK]);
    assert_eq!(with_bread(&varied, 2, &|item| item == BUTTER || item == JAM), [BUTTER, JAM], "there is nothing else");
    assert_eq!(with_bread(&varied, 3, &|_| true), [BUTTER, JAM, MILK], "the order stays that of the scores");
    let twelve = model(ListRules { per_category: 1, ..ListRules::none() });
    assert_eq!(with_bread(&twelve, 12, &|_| true), with_bread(&plain, 12, &|_| true), "two of twelve");
}

#[test]
fn offers_of_one_category_give_way_where_not_all_are_shown() {
    let (plain, varied) = (model(ListRules::none()), model(ListRules { per_category: 1, ..ListRules::none() }));
    let items = [BUTTER, BUTTER, MILK];
    let on_offer: Vec<Offer<'_>> = items.chunks(1).map(|items| Offer { items, numbers: &[] }).collect();
    let shown = |model: &Model, limit: usize| -> Vec<usize> {
        let ready = PreparedOffers::new(model, &on_offer);
        offers(model, None, &ready, limit).into_iter().map(|offer| offer.offer).collect()
    };
    assert_eq!([shown(&plain, 2), shown(&varied, 2)], [[0, 1], [0, 2]]);
    assert_eq!([shown(&plain, 3), shown(&varied, 3)], [[0, 1, 2], [0, 1, 2]], "where all are shown nothing gives way");
}

#[test]
fn what_is_bought_with_it_less_often_than_by_chance_is_no_candidate() {
    let (plain, strict) = (model(ListRules::none()), model(ListRules { above_chance: true, ..ListRules::none() }));
    let of = |model: &Model, item: Item, customer: Option<Customer>| {
        candidates(
            model,
            &Query { items: &[item], customer: customer.map(|customer| model.profile(customer)), ..Query::default() },
            &Limits::best(6),
        )
    };
    // With bread: butter 50 times, expected 48; jam 30, expected 32, not significantly fewer; milk 20, expected 40. Oat
    // milk never, since its list holds all its partners; expected 24.
    assert_eq!(of(&plain, BREAD, None), [BUTTER, MILK, JAM, OAT_MILK]);
    assert_eq!(of(&strict, BREAD, None), [BUTTER, JAM]);
    assert_eq!(of(&strict, BREAD, Some(ANNA)), [BUTTER, JAM]);
}
