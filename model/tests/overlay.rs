//! Baskets that are newer than the model: a profile with them is the one that a model trained on all baskets would
//! have.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs, reason = "a test")]

mod common;

use common::{BREAD, BUTTER, JAM, MILK};
use proptest::prelude::*;
use trolley_model::recommend::{Limits, buy_again, new_for_you};
use trolley_model::{
    Counting, Customer, DatedBasket, FeatureContext, Histories, Item, Model, OwnedProfile, Profile, ProfileConfig,
    Query, RecentBaskets, Vectors, signals,
};

/// The day after the last one of the model.
const END: u16 = 1000;

/// The day after the present one.
const NOW: u16 = 1040;

const ITEMS: u32 = 6;

type Basket = (u16, Vec<Item>, Vec<f32>);

fn counting<'a>(end: u16) -> Counting<'a> {
    let ProfileConfig { half_life_days, last_baskets, .. } = ProfileConfig::default();
    Counting { end, half_life_days, last_baskets, taken_on_offer: None }
}

fn dated(baskets: &[Basket]) -> Vec<DatedBasket<'_>> {
    baskets.iter().map(|(day, items, quantities)| DatedBasket { day: *day, items, quantities }).collect()
}

/// A model that has counted these baskets of one customer.
fn model(baskets: &[Basket]) -> Model {
    let mut parts = common::parts();
    let own = OwnedProfile::count(&dated(baskets), &counting(END));
    let other = OwnedProfile::count(&[DatedBasket { day: 980, items: &[BUTTER], quantities: &[] }], &counting(END));
    parts.histories =
        Histories::of_profiles(common::ids(&["anna", "bert"]), [own, other].into_iter(), END, ITEMS as usize).unwrap();
    Model::new(parts).unwrap()
}

fn factors_of(model: &Model, customer: Customer) -> Vectors {
    let (factors, row) = (model.customer_factors(), customer.0);
    Vectors::from_rows(factors.dims(), factors.unit(row).iter().map(|x| x * factors.norm(row)).collect())
}

fn baskets(days: std::ops::Range<u16>, most: usize) -> impl Strategy<Value = Vec<Basket>> {
    let items = prop::collection::btree_map(0..ITEMS, 0u8..4, 1..5);
    let basket = (days, items).prop_map(|(day, items)| {
        let (items, quantities): (Vec<Item>, Vec<f32>) =
            items.into_iter().map(|(item, n)| (Item(item), f32::from(n))).unzip();
        (day, items, quantities)
    });
    prop::collection::vec(basket, 0..most).prop_map(|mut baskets| {
        baskets.sort_by_key(|basket| basket.0);
        baskets
    })
}

/// The value of every signal for every item, with `item` as the query item.
fn values(model: &Model, item: Item, customer: Profile<'_>) -> Vec<(&'static str, Vec<f32>)> {
    let items = [item];
    let candidates: Vec<Item> = (0..ITEMS).map(Item).filter(|&other| other != item).collect();
    let query = Query { items: &items, customer: Some(customer), ..Query::default() };
    let of_signal = |signal: &&'static dyn signals::Signal| {
        let mut values = vec![0.0; candidates.len()];
        signal.fill(&FeatureContext::new(model, query, &candidates), &mut values);
        (signal.name(), values)
    };
    signals::ALL.iter().map(of_signal).collect()
}

proptest! {
    /// Every signal has the same value for a profile with newer baskets as for one counted from all baskets, on the
    /// same day and with the same factors.
    #[test]
    fn signals_of_a_profile_with_newer_baskets_are_those_of_all_baskets(
        old in baskets(700..END, 20),
        new in baskets(END - 10..NOW, 20),
        item in 0..ITEMS,
    ) {
        let model = model(&old);
        let with_new = model.profile_with(Some(Customer(0)), &dated(&new), NOW);
        let mut all = [old.clone(), new].concat();
        all.sort_by_key(|basket| basket.0);
        let counted = OwnedProfile::count(&dated(&all), &counting(NOW)).with_factors(&factors_of(&model, Customer(0)));
        let (of_new, of_all) = (with_new.as_profile(), counted.as_profile());
        prop_assert_eq!(of_new.items(), of_all.items());
        prop_assert_eq!(of_new.baskets(), of_all.baskets());
        prop_assert_eq!(of_new.last_baskets().collect::<Vec<_>>(), of_all.last_baskets().collect::<Vec<_>>());
        for ((name, with_new), (_, of_all)) in values(&model, Item(item), of_new).into_iter().zip(values(&model, Item(item), of_all)) {
            for (one, other) in with_new.iter().zip(&of_all) {
                prop_assert!((one - other).abs() <= 1e-3 * other.abs().max(1.0), "{}: {} and {}", name, one, other);
            }
        }
    }
}

#[test]
fn without_newer_baskets_a_later_day_makes_purchases_older() {
    let model = model(&[(900, vec![MILK], vec![2.0]), (990, vec![BREAD, MILK], vec![1.0, 3.0])]);
    let (then, now) = (model.profile(Customer(0)), model.profile_as_of(Customer(0), NOW));
    assert_eq!((then.age(990), now.age(990)), (9.0, 49.0));
    let half = (-40.0f32 / 75.0).exp2();
    assert!((now.decayed_baskets() - half * then.decayed_baskets()).abs() < 1e-6);
    assert!((now.stats_of(MILK).unwrap().decayed - half * then.stats_of(MILK).unwrap().decayed).abs() < 1e-6);
    assert_eq!(model.profile_as_of(Customer(0), END - 5).age(990), 9.0, "the past of the model is not known");
}

#[test]
fn who_is_new_is_known_by_their_baskets_and_gets_lists_of_their_own() {
    let model = model(&[]);
    let none = buy_again(&model, &Query::default(), &Limits::best(5));
    assert!(none.is_empty());
    let profile = model.profile_with(
        None,
        &dated(&[
            (1010, vec![JAM, MILK], vec![1.0, 2.0]),
            (1020, vec![MILK], vec![4.0]),
            (1030, vec![MILK], vec![2.0]),
        ]),
        NOW,
    );
    let query = Query { customer: Some(profile.as_profile()), ..Query::default() };
    let again = buy_again(&model, &query, &Limits::best(5));
    let milk = again.iter().find(|due| due.found.item == MILK).unwrap();
    assert_eq!((milk.due, milk.quantity), (Some(1040), Some(2.0)), "every ten days, last on day 1030");
    let jam = again.iter().find(|due| due.found.item == JAM).unwrap();
    assert_eq!((jam.due, jam.quantity), (None, Some(1.0)), "bought once");
    assert_eq!(again.len(), 2, "only what was bought before");
    let new = new_for_you(&model, &query, &Limits::best(5), 1);
    assert!(new.iter().all(|found| ![MILK, JAM].contains(&found.item)) && !new.is_empty(), "{new:?}");
}

#[test]
fn a_pushed_basket_counts_once_however_late_the_day_ends() {
    let mut parts = common::parts();
    let hash = RecentBaskets::hash;
    let end = parts.histories.last().end;
    parts.recent_baskets = RecentBaskets::new(end - 3, vec![hash("morning")]);
    let model = Model::new(parts).unwrap();
    assert!(model.has_counted(hash("morning"), end - 1));
    assert!(!model.has_counted(hash("evening"), end - 1), "the data ended at noon");
    assert!(!model.has_counted(hash("morning"), end) && model.has_counted(hash("any"), end - 4));
}
