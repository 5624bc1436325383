//! One suite over all recommenders on a shop whose answers are known.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

mod common;

use common::{ANNA, BREAD, BUTTER, CANDLE, JAM, MILK, OAT_MILK, model};
use trolley_model::recommend::{
    Limits, Offer, OnOffer, Question, RankedOffer, Recommended, Tier, alternatives, audience, bought_together, explain,
    explain_offer, offers,
};
use trolley_model::signals::Evidence;
use trolley_model::{Ask, Model};

type Recommender = fn(&Model, Option<u32>, &Limits<'_>) -> Vec<Recommended>;

/// Both recommenders of items, asked about bread.
const RECOMMENDERS: [(&str, Recommender); 2] = [
    ("bought together", |model, customer, limits| bought_together(model, &Ask { items: &[BREAD], customer }, limits)),
    ("alternatives", |model, customer, limits| alternatives(model, BREAD, customer, limits)),
];

fn items(found: &[Recommended]) -> Vec<u32> {
    found.iter().map(|found| found.item).collect()
}

fn limits(limit: usize, allowed: &(dyn Fn(u32) -> bool + Sync)) -> Limits<'_> {
    Limits { allowed, ..Limits::best(limit) }
}

#[test]
fn bread_goes_with_butter_then_jam() {
    let found = bought_together(&model(), &Ask { items: &[BREAD], customer: None }, &limits(2, &|_| true));
    assert_eq!(items(&found), [BUTTER, JAM]);
    assert!(found.iter().all(|found| found.tier == Tier::Model));
}

#[test]
fn a_customers_habits_count() {
    let found = bought_together(&model(), &Ask { items: &[BREAD], customer: Some(ANNA) }, &limits(1, &|_| true));
    assert_eq!(items(&found), [MILK], "anna buys milk in nearly every basket");
}

#[test]
fn milk_is_replaced_by_oat_milk() {
    let found = alternatives(&model(), MILK, None, &limits(1, &|_| true));
    assert_eq!(items(&found), [OAT_MILK]);
    assert_eq!(found[0].tier, Tier::Model);
}

#[test]
fn a_cart_asks_for_all_its_items_and_gets_none_of_them_back() {
    let found = bought_together(&model(), &Ask { items: &[BREAD, BUTTER], customer: None }, &limits(6, &|_| true));
    assert_eq!(found[0].item, JAM, "jam goes with both");
    assert!(items(&found).iter().all(|item| ![BREAD, BUTTER].contains(item)));
}

/// A boost of nothing changes nothing, but keeps the model from using what it has ready.
#[test]
fn what_is_ready_for_anybody_is_what_would_be_worked_out() {
    let model = model();
    let items = model.catalogue().items().len() as u32;
    for item in 0..items {
        for hidden in 0..1u32 << items.min(8) {
            let allowed = |other: u32| hidden >> other & 1 == 0;
            for limit in [1, 3, 64, 65] {
                let ask = Ask { items: &[item], customer: None };
                let limits = limits(limit, &allowed);
                let worked_out = bought_together(&model, &ask, &Limits { boost: Some(&|_| 0.0), ..limits });
                assert_eq!(bought_together(&model, &ask, &limits), worked_out, "item {item}, hidden {hidden:b}");
            }
        }
    }
}

#[test]
fn filters_come_before_top_k() {
    let model = model();
    for (name, recommend) in RECOMMENDERS {
        let everything = recommend(&model, None, &limits(6, &|_| true));
        let best = everything[0].item;
        let rest = recommend(&model, None, &limits(3, &|item| item != best));
        assert_eq!(rest.len(), 3, "{name}: the next ones move up");
        assert!(!items(&rest).contains(&best), "{name}");
        assert_eq!(items(&rest), items(&everything)[1..4], "{name}");
    }
}

#[test]
fn fewer_than_k_when_fewer_exist_and_no_padding() {
    let model = model();
    for (name, recommend) in RECOMMENDERS {
        let all = recommend(&model, Some(ANNA), &limits(200, &|_| true));
        let mut distinct = items(&all);
        distinct.sort_unstable();
        assert_eq!(distinct, [BUTTER, MILK, JAM, OAT_MILK, CANDLE], "{name}: every other item, once");
        assert_eq!(items(&recommend(&model, None, &limits(6, &|item| item == JAM))), [JAM], "{name}");
        assert_eq!(items(&recommend(&model, None, &limits(6, &|_| false))), [0; 0], "{name}");
    }
}

#[test]
fn tiers_come_in_their_order_and_the_model_first() {
    let model = model();
    for (name, recommend) in RECOMMENDERS {
        let found = recommend(&model, Some(ANNA), &limits(200, &|_| true));
        assert!(found.windows(2).all(|pair| pair[0].tier <= pair[1].tier), "{name}: {found:?}");
        assert_eq!(found[0].tier, Tier::Model, "{name}");
        assert_eq!(found.last().map(|last| (last.item, last.tier)), Some((CANDLE, Tier::Bestsellers)), "{name}");
    }
}

#[test]
fn nothing_known_at_all_means_bestsellers_and_a_known_customer_means_habits() {
    let model = model();
    let unknown = Ask { items: &[], customer: None };
    let found = bought_together(&model, &unknown, &limits(2, &|_| true));
    assert_eq!(items(&found), [BREAD, BUTTER]);
    assert!(found.iter().all(|found| found.tier == Tier::Bestsellers));
    let anna = Ask { items: &[], customer: Some(ANNA) };
    let found = bought_together(&model, &anna, &limits(3, &|_| true));
    let tiers: Vec<_> = found.iter().map(|found| (found.item, found.tier)).collect();
    assert_eq!(tiers, [(MILK, Tier::Habits), (JAM, Tier::Habits), (BREAD, Tier::Bestsellers)]);
}

#[test]
fn an_item_that_nobody_bought_is_answered_from_its_category() {
    let mut parts = common::parts();
    // The candle as a new kind of milk.
    let catalogue = &parts.catalogue;
    parts.catalogue = trolley_model::Catalogue::new(trolley_model::catalogue::CatalogueParts {
        items: catalogue.items().clone(),
        names: catalogue.names().clone(),
        baskets: catalogue.all_baskets().to_vec(),
        recent_baskets: catalogue.all_recent_baskets().to_vec(),
        latest_baskets: catalogue.all_latest_baskets().to_vec(),
        category: vec![0, 1, 2, 1, 2, 2],
        categories: catalogue.categories().clone(),
        category_baskets: catalogue.all_category_baskets().to_vec(),
        total_baskets: 100,
        total_recent_baskets: 30,
        total_latest_baskets: 15,
    })
    .unwrap();
    let model = Model::new(parts).unwrap();
    let found = alternatives(&model, CANDLE, None, &limits(2, &|_| true));
    let tiers: Vec<_> = found.iter().map(|found| (found.item, found.tier)).collect();
    assert_eq!(tiers, [(MILK, Tier::Category), (OAT_MILK, Tier::Category)]);
}

#[test]
fn repeats_can_be_left_out() {
    let model = model();
    let new_only = Limits { repeats: false, ..Limits::best(6) };
    let found = bought_together(&model, &Ask { items: &[BREAD], customer: Some(ANNA) }, &new_only);
    assert!(items(&found).iter().all(|item| ![MILK, JAM].contains(item)), "{found:?}");
    assert_eq!(found.len(), 3);
}

/// What is on offer for a customer.
fn ranked(model: &Model, customer: Option<u32>, on_offer: &[Offer<'_>], limit: usize) -> Vec<RankedOffer> {
    offers(model, customer, &OnOffer::new(model, on_offer), limit)
}

fn of(items: &[u32]) -> Offer<'_> {
    Offer { items, numbers: &[] }
}

#[test]
fn offers_are_ranked_for_the_customer_and_all_come_back() {
    let model = model();
    let on_offer = [of(&[BREAD]), of(&[CANDLE, MILK]), of(&[]), of(&[JAM])];
    let order: Vec<_> = ranked(&model, Some(ANNA), &on_offer, 10).iter().map(|o| (o.offer, o.item)).collect();
    assert_eq!(order, [(1, Some(MILK)), (3, Some(JAM)), (0, Some(BREAD)), (2, None)]);
    let first: Vec<_> = ranked(&model, Some(ANNA), &on_offer, 2).iter().map(|o| o.offer).collect();
    assert_eq!(first, [1, 3], "a limit keeps the best");
    let twice = [of(&[MILK]), of(&[JAM, MILK, MILK]), of(&[MILK])];
    let order: Vec<_> = ranked(&model, Some(ANNA), &twice, 10).iter().map(|o| (o.offer, o.item)).collect();
    assert_eq!(order, [(0, Some(MILK)), (1, Some(MILK)), (2, Some(MILK))], "an item may be in many offers");
    let anybody = ranked(&model, None, &on_offer, 10);
    assert_eq!((anybody[0].offer, anybody[0].tier), (0, Tier::Bestsellers), "bread sells best");

    // A strong promotion comes first; a number that the blend never learned adds nothing.
    let promoted = [of(&[MILK]), Offer { items: &[BREAD], numbers: &[("discount", 4.0), ("colour", 9.0)] }];
    let order: Vec<_> = ranked(&model, Some(ANNA), &promoted, 10).iter().map(|o| o.offer).collect();
    assert_eq!(order, [1, 0]);
    let why = |offer: &Offer<'_>, item| {
        let found = Recommended { item, score: 0.0, tier: Tier::Model };
        explain_offer(&model, &Ask { items: &[], customer: Some(ANNA) }, offer, &found)
    };
    assert_eq!((why(&promoted[1], BREAD)[0].signal, why(&promoted[1], BREAD)[0].share), ("promotion", 8.0));
    assert!(why(&promoted[0], MILK).iter().all(|reason| reason.signal != "promotion"));
}

#[test]
fn an_audience_is_the_same_scores_read_the_other_way() {
    let model = model();
    let found = audience(&model, of(&[MILK]), 10);
    assert_eq!(found.iter().map(|a| a.customer).collect::<Vec<_>>(), [ANNA, 1], "anna buys milk, bert does not");
    for listener in found {
        let offered = ranked(&model, Some(listener.customer), &[of(&[MILK])], 1);
        assert_eq!(offered[0].score, listener.score);
    }
}

#[test]
fn the_parts_of_a_score_sum_up_to_it_and_rest_on_counts() {
    let model = model();
    let ask = Ask { items: &[BREAD], customer: Some(ANNA) };
    let found = bought_together(&model, &ask, &limits(6, &|_| true));
    for found in found.iter().filter(|found| found.tier == Tier::Model) {
        let reasons = explain(&model, Question::BoughtTogether, &ask, found);
        let sum: f32 = reasons.iter().map(|reason| reason.share).sum();
        assert!((sum - found.score).abs() < 1e-5, "{sum} for {found:?}");
    }
    let milk = found.iter().find(|found| found.item == MILK).unwrap();
    let evidence: Vec<_> =
        explain(&model, Question::BoughtTogether, &ask, milk).iter().filter_map(|reason| reason.evidence).collect();
    assert!(evidence.contains(&Evidence::BoughtTogether { with: BREAD, baskets: 20 }));
    assert!(evidence.contains(&Evidence::BoughtBefore { times: 4, last_day: 17_400 }));
}

#[test]
fn what_was_saved_answers_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (model(), common::saved_and_opened(folder.path()));
    for customer in [None, Some(ANNA)] {
        for (name, recommend) in RECOMMENDERS {
            let limits = limits(6, &|_| true);
            assert_eq!(recommend(&before, customer, &limits), recommend(&after, customer, &limits), "{name}");
        }
        let on_offer = [of(&[MILK]), of(&[JAM]), of(&[BREAD])];
        assert_eq!(ranked(&before, customer, &on_offer, 3), ranked(&after, customer, &on_offer, 3));
    }
}
