//! A customer is a value: a profile gives the same answers whoever owns it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{BREAD, BUTTER, JAM, MILK, OAT_MILK};
use trolley_model::ials::{FoldIn, IalsConfig};
use trolley_model::recommend::{
    Limits, Offer, PreparedOffers, Recommended, alternatives, bought_together, explain, offers,
};
use trolley_model::{Counting, DatedBasket, Histories, Item, Model, OwnedProfile, Profile, Query, Question, Vectors};

const END: u16 = 1000;

fn counting<'a>() -> Counting<'a> {
    Counting { end: END, half_life_days: 60.0, last_baskets: 50, taken_on_offer: None }
}

fn bought(day: u16, items: &[Item]) -> DatedBasket<'_> {
    DatedBasket { day, items, quantities: &[] }
}

fn folded(factors: &FoldIn, profile: &OwnedProfile) -> Vectors {
    factors.factors(profile.as_profile().stats().map(|stats| (stats.item, stats.decayed)))
}

/// The small shop with two customers counted from their baskets, and their profiles as values.
fn model_and_profiles() -> (Model, FoldIn, [OwnedProfile; 2]) {
    let mut parts = common::parts();
    let anna = OwnedProfile::count(
        &[bought(900, &[MILK, JAM]), bought(950, &[MILK]), bought(990, &[BREAD, MILK])],
        &counting(),
    );
    let bert = OwnedProfile::count(&[bought(980, &[BUTTER, OAT_MILK])], &counting());
    let fold_in = FoldIn::new(&parts.item_factors, &IalsConfig { dims: 2, ..IalsConfig::default() });
    let profiles = [anna, bert].map(|profile| {
        let factors = folded(&fold_in, &profile);
        profile.with_factors(&factors)
    });
    let rows = profiles.iter().flat_map(|profile| {
        let factors = folded(&fold_in, profile);
        factors.unit(0).iter().map(|x| x * factors.norm(0)).collect::<Vec<f32>>()
    });
    parts.customer_factors = Vectors::from_rows(2, rows.collect());
    let customers = common::ids(&["anna", "bert"]);
    parts.histories = Histories::of_profiles(customers, profiles.clone().into_iter(), END, 6).unwrap();
    (Model::new(parts).unwrap(), fold_in, profiles)
}

/// All answers, and the parts of the first item's score.
fn answers(model: &Model, customer: Option<Profile<'_>>) -> (Vec<Recommended>, Vec<f32>, Vec<usize>) {
    let limits = Limits::best(6);
    let query = Query { items: &[BREAD], customer, ..Query::default() };
    let mut found = bought_together(model, &query, &limits);
    let parts = explain(model, Question::BoughtTogether, &query, &found[0]);
    found.extend(alternatives(model, &Query { items: &[OAT_MILK], ..query }, &limits));
    let on_offer = [&[MILK][..], &[BUTTER], &[JAM]].map(|items| Offer { items, numbers: &[] });
    let ranked = offers(model, customer, &PreparedOffers::new(model, &on_offer), 3);
    (found, parts.iter().map(|part| part.share).collect(), ranked.iter().map(|offer| offer.offer).collect())
}

#[test]
fn a_profile_of_ones_own_is_answered_as_that_of_the_model() {
    let (model, _, profiles) = model_and_profiles();
    for (customer, owned) in model.histories().numbers().zip(&profiles) {
        assert_eq!(answers(&model, Some(owned.as_profile())), answers(&model, Some(model.profile(customer))));
    }
    assert_ne!(answers(&model, Some(profiles[0].as_profile())), answers(&model, Some(profiles[1].as_profile())));
}

#[test]
fn a_customer_whom_the_model_does_not_hold_is_known_by_their_baskets() {
    let (model, fold_in, _) = model_and_profiles();
    let carla = OwnedProfile::count(&[bought(970, &[JAM]), bought(999, &[BUTTER, JAM])], &counting());
    let factors = folded(&fold_in, &carla);
    let carla = carla.with_factors(&factors);
    let profile = carla.as_profile();
    assert_eq!((profile.baskets(), profile.items()), (2, &[BUTTER, JAM][..]));
    assert!((profile.age(970) - 29.0).abs() < 1e-6);
    assert_ne!(answers(&model, Some(profile)), answers(&model, None));
    let reasons = |question: Option<Profile<'_>>| {
        let query = Query { items: &[BREAD], customer: question, ..Query::default() };
        let jam =
            bought_together(&model, &query, &Limits::best(6)).into_iter().find(|found| found.item == JAM).unwrap();
        explain(&model, Question::BoughtTogether, &query, &jam).into_iter().map(|part| part.signal).collect::<Vec<_>>()
    };
    assert!(reasons(Some(profile)).iter().any(|signal| signal == "habit"), "{:?}", reasons(Some(profile)));
    assert!(!reasons(None).iter().any(|signal| signal == "habit"));
}
