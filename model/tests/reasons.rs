//! The reasons for showing an item.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{ANNA, BREAD, BUTTER, JAM, MILK, OAT_MILK, model, stored};
use trolley_model::catalogue::CatalogueParts;
use trolley_model::histories::LastBaskets;
use trolley_model::recommend::{Reason, Recommended, Tier, reasons};
use trolley_model::{Catalogue, Category, Customer, Histories, Item, Model, Offsets, Parts, Position, Query, Question};

fn said(model: &Model, question: Question, asked: Item, customer: Option<Customer>, item: Item) -> Vec<Reason> {
    let found = Recommended { item, score: 1.0, tier: Tier::Model };
    reasons(
        model,
        question,
        &Query { items: &[asked], customer: customer.map(|customer| model.profile(customer)), ..Query::default() },
        &found,
        &|_| false,
    )
}

/// Milk is in 20 baskets with bread, half of the expected number; jam in 30, slightly fewer than expected; butter in
/// 50, about as expected. Oat milk (30 baskets) and milk (50) are never together.
#[test]
fn what_goes_together_is_said_where_it_does() {
    let model = model();
    let of = |asked, item| said(&model, Question::BoughtTogether, asked, None, item);
    assert_eq!(of(BREAD, MILK), [Reason::Popular], "it is no reason that bread is bought with everything");
    // Bread is in 60 of 70 baskets with a spread, where 56 are expected.
    assert_eq!(of(JAM, BREAD), [Reason::Popular]);
    let mut parts = common::parts();
    parts.co_purchases = trolley_model::CoPurchases::new([
        vec![],
        vec![],
        vec![],
        vec![
            trolley_model::co_purchases::Partner { item: BUTTER, baskets: 38, weight: 20.0 },
            trolley_model::co_purchases::Partner { item: OAT_MILK, baskets: 4, weight: 2.0 },
        ],
    ]);
    let model = Model::new(parts).unwrap();
    let of = |asked, item| said(&model, Question::BoughtTogether, asked, None, item)[0];
    let together = |with| Reason::Together { with, baskets: 38, of: 40 };
    assert_eq!(of(JAM, BUTTER), together(JAM), "38 of 40, where chance has 24");
    assert_eq!(of(BUTTER, JAM), Reason::Together { with: BUTTER, baskets: 38, of: 60 }, "read the other way");
    // Jam is in 40 of 10,000 baskets: four with oat milk are far above chance, but too few to disclose.
    let rare = CatalogueParts { total_baskets: 10_000, ..stored(model.catalogue()) };
    let catalogue = Catalogue::new(rare).unwrap();
    let model = Model::new(Parts { catalogue, ..model.parts().clone() }).unwrap();
    assert_eq!(said(&model, Question::BoughtTogether, JAM, None, OAT_MILK), [], "four are too few to speak of");
}

#[test]
fn a_customer_is_told_what_they_buy_unless_it_is_discreet_and_no_small_count() {
    let model = model();
    let of = |question, asked, item| said(&model, question, asked, Some(ANNA), item);
    let bought = Reason::Bought { times: None, last_day: 17_400 };
    assert_eq!(of(Question::BoughtTogether, BREAD, MILK)[0], bought, "four times: that is not told");
    assert_eq!(
        of(Question::Alternatives, OAT_MILK, MILK),
        [Reason::SameKind { category: Category(2) }, bought, Reason::Popular]
    );
    let found = Recommended { item: MILK, score: 1.0, tier: Tier::Model };
    let query = Query { items: &[BREAD], customer: Some(model.profile(ANNA)), ..Query::default() };
    let discreet = reasons(&model, Question::BoughtTogether, &query, &found, &|category| category == Category(2));
    assert_eq!(discreet, [Reason::Popular]);

    // Anna bought milk and jam together in two baskets: the reason for jam would disclose the milk.
    let mut parts = common::parts();
    let last = LastBaskets {
        rows: Offsets::from_lengths([2, 1]),
        day: vec![17_300, 17_400, 17_300],
        basket_offsets: Offsets::from_lengths([2, 2, 1]),
        position: [0, 1, 0, 1, 0].map(Position).to_vec(),
        end: 17_410,
    };
    let (offsets, columns, baskets, decayed) = parts.histories.parts();
    let (offsets, columns) = (offsets.to_vec(), columns.clone());
    let (baskets, decayed) = (baskets.to_vec(), decayed.to_vec());
    parts.histories =
        Histories::new(common::ids(&["anna", "bert"]), offsets, columns, baskets, decayed, last, 6).unwrap();
    let model = Model::new(parts).unwrap();
    let jam = Recommended { item: JAM, score: 1.0, tier: Tier::Model };
    let query = Query { items: &[MILK], customer: Some(model.profile(ANNA)), ..Query::default() };
    let told = |discreet: u32| {
        reasons(&model, Question::BoughtTogether, &query, &jam, &|category| category == Category(discreet))
    };
    let both = Reason::OwnTogether { with: MILK };
    assert!(told(9).contains(&both) && !told(1).contains(&both), "spreads are discreet");
    assert!(!told(2).contains(&both), "milk is");
}
