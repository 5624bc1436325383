//! One suite for all recommenders, on a shop with known answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

mod common;

use common::{ANNA, BREAD, BUTTER, CANDLE, JAM, MILK, OAT_MILK, model, stored};
use trolley_model::catalogue::{CatalogueParts, NO_CATEGORY};
use trolley_model::co_purchases::Partner;
use trolley_model::nearest::{Neighbours, nearest_of};
use trolley_model::recommend::{
    Limits, Offer, PreparedOffers, RankedOffer, Recommended, Tier, alternatives, audience, available_offers,
    bought_together, bought_together_and_new, bought_together_ranking, candidates, explain, explain_offer, offers,
};
use trolley_model::{Blend, Catalogue, CoPurchases, Customer, Item, Model, Parts, Profile, Query, Question};

type Recommender = fn(&Model, Option<Customer>, &Limits<'_>) -> Vec<Recommended>;

/// Both recommenders of items, queried for bread: every item bought with it has counts, and no other item is of its
/// kind.
const RECOMMENDERS: [(&str, Recommender); 2] = [
    ("bought together", |model, customer, limits| {
        bought_together(
            model,
            &Query { items: &[BREAD], customer: customer.map(|customer| model.profile(customer)), ..Query::default() },
            limits,
        )
    }),
    ("alternatives", |model, customer, limits| {
        alternatives(
            model,
            &Query { items: &[BREAD], customer: customer.map(|customer| model.profile(customer)), ..Query::default() },
            limits,
        )
    }),
];

/// The same items with other categories.
fn with_categories(catalogue: &Catalogue, category: Vec<u32>) -> Catalogue {
    Catalogue::new(CatalogueParts { category, ..stored(catalogue) }).unwrap()
}

/// The same items, and some that were never bought.
fn with_items(catalogue: &Catalogue, new: &[&str], categories: &[u32]) -> Catalogue {
    let mut parts = stored(catalogue);
    let ids: Vec<&str> = catalogue.items().iter().chain(new.iter().copied()).collect();
    parts.items = common::ids(&ids);
    for counts in [&mut parts.baskets, &mut parts.recent_baskets, &mut parts.latest_baskets] {
        counts.resize(ids.len(), 0);
    }
    parts.category.extend(categories);
    Catalogue::new(parts).unwrap()
}

fn items(found: &[Recommended]) -> Vec<Item> {
    found.iter().map(|found| found.item).collect()
}

fn limits(limit: usize, allowed: &(dyn Fn(Item) -> bool + Sync)) -> Limits<'_> {
    Limits { allowed, ..Limits::best(limit) }
}

#[test]
fn bread_goes_with_butter_then_jam() {
    let found = bought_together(&model(), &Query { items: &[BREAD], ..Query::default() }, &limits(2, &|_| true));
    assert_eq!(items(&found), [BUTTER, JAM]);
    assert!(found.iter().all(|found| found.tier == Tier::Model));
}

#[test]
fn a_customers_habits_count() {
    let model = model();
    let found = bought_together(
        &model,
        &Query { items: &[BREAD], customer: Some(model.profile(ANNA)), ..Query::default() },
        &limits(1, &|_| true),
    );
    assert_eq!(items(&found), [MILK], "anna buys milk in nearly every basket");
}

#[test]
fn milk_is_replaced_by_oat_milk() {
    let found = alternatives(&model(), &Query { items: &[MILK], ..Query::default() }, &limits(1, &|_| true));
    assert_eq!(items(&found), [OAT_MILK]);
    assert_eq!(found[0].tier, Tier::Model);
}

#[test]
fn neighbours_that_are_known_beforehand_are_those_that_would_be_found() {
    let (searched, vectors) = (model(), model().input().clone());
    let known = |k: usize| Neighbours::new(&nearest_of(&vectors, 0..vectors.len() as u32, k));
    for k in [1, 2, 10] {
        let parts = Parts { neighbours: known(k), ..searched.parts().clone() };
        let folder = tempfile::tempdir().unwrap();
        let registry = common::publish_parts(folder.path(), "v1", &parts);
        let stored = registry.open(&common::name("xx"), &common::name("v1")).unwrap().model;
        assert_eq!(stored.parts().neighbours, parts.neighbours);
        for (customer, hidden) in [(None, CANDLE), (Some(ANNA), MILK), (None, OAT_MILK)] {
            let allowed = |item: Item| item != hidden;
            let of = |model: &Model| {
                alternatives(
                    model,
                    &Query {
                        items: &[BREAD],
                        customer: customer.map(|customer| model.profile(customer)),
                        ..Query::default()
                    },
                    &limits(6, &allowed),
                )
            };
            assert_eq!(of(&stored), of(&searched), "{k}");
        }
    }
    let too_few = Neighbours::new(&[vec![BREAD]]);
    assert!(Model::new(Parts { neighbours: too_few, ..searched.parts().clone() }).is_err());
}

#[test]
fn a_cart_asks_for_all_its_items_and_gets_none_of_them_back() {
    let found =
        bought_together(&model(), &Query { items: &[BREAD, BUTTER], ..Query::default() }, &limits(6, &|_| true));
    assert_eq!(found[0].item, JAM, "jam goes with both");
    assert!(items(&found).iter().all(|item| ![BREAD, BUTTER].contains(item)));
}

/// A boost of 0 changes no score, but bypasses the answer cache.
#[test]
fn what_is_ready_for_anybody_is_what_would_be_worked_out() {
    let model = model();
    let items = model.catalogue().items().len();
    for item in model.catalogue().numbers() {
        for hidden in 0..1u32 << items.min(8) {
            let allowed = |other: Item| hidden >> other.0 & 1 == 0;
            for limit in [1, 3, 64, 65] {
                let query = Query { items: &[item], ..Query::default() };
                let limits = limits(limit, &allowed);
                let worked_out = bought_together(&model, &query, &Limits { boost: Some(&|_| 0.0), ..limits });
                assert_eq!(bought_together(&model, &query, &limits), worked_out, "{item:?}, hidden {hidden:b}");
            }
        }
    }
}

/// Cached answers with pinned and hidden items equal computed ones, which a boost of 0 enforces.
#[test]
fn what_is_pinned_comes_first_and_the_rest_is_as_without() {
    let model = model();
    let query = Query { items: &[BREAD], ..Query::default() };
    for pinned in [&[][..], &[OAT_MILK], &[OAT_MILK, BUTTER], &[BREAD]] {
        for limit in 1..7 {
            let limits = Limits { pinned, ..limits(limit, &|item| item != JAM) };
            let worked_out = bought_together(&model, &query, &Limits { boost: Some(&|_| 0.0), ..limits });
            assert_eq!(bought_together(&model, &query, &limits), worked_out, "{pinned:?} {limit}");
        }
    }
}

/// The ranking starts with the answer, for any customer and any filter.
#[test]
fn a_ranking_begins_with_the_answer_and_has_all_candidates() {
    let model = model();
    for item in [BREAD, BUTTER, MILK, JAM, OAT_MILK] {
        for customer in [None, Some(ANNA)] {
            for hidden in 0..64u32 {
                let (allowed, query) = (
                    |other: Item| hidden >> other.0 & 1 == 0,
                    Query {
                        items: &[item],
                        customer: customer.map(|customer| model.profile(customer)),
                        ..Query::default()
                    },
                );
                let limits = limits(3, &allowed);
                let ranking = items(&bought_together_ranking(&model, &query, &limits));
                let answer = bought_together(&model, &query, &limits);
                let of_model = answer.iter().filter(|found| found.tier == Tier::Model);
                let first: Vec<Item> = of_model.map(|found| found.item).collect();
                assert_eq!(ranking[..first.len()], first, "{item:?} {customer:?} {hidden:b}");
                let mut sorted = ranking.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, candidates(&model, &query, &limits), "{item:?} {customer:?} {hidden:b}");
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
        // At most three alternatives are of another category.
        let next = &items(&everything)[1..everything.len().min(4)];
        assert_eq!(items(&rest)[..next.len()], *next, "{name}");
    }
}

#[test]
fn fewer_than_k_when_fewer_exist_and_no_padding() {
    let model = model();
    for (name, recommend) in RECOMMENDERS {
        let all = recommend(&model, Some(ANNA), &limits(200, &|_| true));
        let mut distinct = items(&all);
        distinct.sort_unstable();
        let every: &[Item] = if name == "alternatives" {
            // No item is in bread's category, so the list has three of other categories.
            &[BUTTER, MILK, JAM]
        } else {
            &[BUTTER, MILK, JAM, OAT_MILK, CANDLE]
        };
        assert_eq!(distinct, every, "{name}: each item once");
        assert_eq!(items(&recommend(&model, None, &limits(6, &|item| item == JAM))), [JAM], "{name}");
        assert_eq!(items(&recommend(&model, None, &limits(6, &|_| false))), [], "{name}");
    }
}

#[test]
fn tiers_come_in_their_order_and_the_model_first() {
    let model = model();
    for (name, recommend) in RECOMMENDERS {
        let found = recommend(&model, Some(ANNA), &limits(200, &|_| true));
        assert!(found.windows(2).all(|pair| pair[0].tier <= pair[1].tier), "{name}: {found:?}");
        assert_eq!(found[0].tier, Tier::Model, "{name}");
    }
    let found = bought_together(
        &model,
        &Query { items: &[BREAD], customer: Some(model.profile(ANNA)), ..Query::default() },
        &limits(200, &|_| true),
    );
    assert_eq!(found.last().map(|last| (last.item, last.tier)), Some((CANDLE, Tier::Bestsellers)));
}

/// Below the tier `model` there are only items of the same category: a bestseller of another category is no
/// alternative.
#[test]
fn nothing_of_another_kind_fills_up_alternatives() {
    let candle_is = |category: u32| {
        let mut parts = common::parts();
        parts.catalogue = with_categories(&parts.catalogue, vec![0, 1, 2, 1, 2, category]);
        Model::new(parts).unwrap()
    };
    for customer in [None, Some(ANNA)] {
        let instead = |model: &Model| {
            let customer = customer.map(|customer| model.profile(customer));
            alternatives(model, &Query { items: &[CANDLE], customer, ..Query::default() }, &limits(200, &|_| true))
        };
        assert_eq!(instead(&candle_is(NO_CATEGORY)), [], "nothing is known of its kind");
        let found = instead(&candle_is(2));
        let tiers: Vec<_> = found.iter().map(|found| (found.item, found.tier)).collect();
        assert_eq!(tiers, [(MILK, Tier::Category), (OAT_MILK, Tier::Category)]);
    }
}

/// With new items, so that the tier `model` is empty.
#[test]
fn what_goes_with_the_categories_of_a_cart_takes_turns_and_is_no_substitute() {
    let mut parts = common::parts();
    let new = ["new-bread", "new-milk", "newer-milk"];
    parts.catalogue = with_items(&parts.catalogue, &new, &[0, 2, 2]);
    let pair = |item, baskets| Partner { item, baskets, weight: 1.0 };
    parts.category_partners = CoPurchases::new([
        vec![pair(BREAD, 40), pair(BUTTER, 50), pair(JAM, 25)],
        vec![],
        vec![pair(BUTTER, 20), pair(JAM, 30), pair(OAT_MILK, 30)],
    ]);
    let model = Model::new(parts).unwrap();
    let [new_bread, new_milk, newer_milk] = [6, 7, 8].map(Item);
    let answer = |cart: &[Item]| {
        let found = bought_together(&model, &Query { items: cart, ..Query::default() }, &limits(5, &|_| true));
        items(&found.into_iter().filter(|found| found.tier == Tier::Category).collect::<Vec<_>>())
    };
    assert_eq!(answer(&[new_bread]), [BUTTER, JAM], "bread would stand in for it");
    assert_eq!(answer(&[new_milk]), [JAM, BUTTER], "jam sells less and goes with milk oftener");
    assert_eq!(answer(&[new_bread, new_milk]), [BUTTER, JAM]);
    assert_eq!(answer(&[new_bread, new_milk, newer_milk]), [JAM, BUTTER], "the kind of most items comes first");
}

/// The last item of a cart is the newest.
#[test]
fn the_newest_line_of_a_cart_weighs_most() {
    let model = model();
    let scores = |cart: &[Item]| {
        let found = bought_together(&model, &Query { items: cart, ..Query::default() }, &limits(6, &|_| true));
        let score = |item| found.iter().find(|found| found.item == item).map(|found| found.score);
        score(MILK)
    };
    // Milk is bought together with bread and not with jam.
    assert!(scores(&[JAM, BREAD]) > scores(&[BREAD, JAM]));
}

/// Bread is the bestseller overall, jam recently.
#[test]
fn without_a_history_it_is_what_sells_now() {
    let mut parts = common::parts();
    parts.catalogue =
        Catalogue::new(CatalogueParts { recent_baskets: vec![20, 10, 10, 25, 10, 0], ..stored(&parts.catalogue) })
            .unwrap();
    let model = Model::new(parts).unwrap();
    let found = bought_together(&model, &Query { items: &[], ..Query::default() }, &limits(2, &|_| true));
    assert_eq!(items(&found), [JAM, BREAD]);
    assert_eq!(ranked(&model, None, &[of(&[BREAD]), of(&[JAM])], 1)[0].offer, 1);
}

#[test]
fn nothing_known_at_all_means_bestsellers_and_a_known_customer_means_habits() {
    let model = model();
    let unknown = Query { items: &[], ..Query::default() };
    let found = bought_together(&model, &unknown, &limits(2, &|_| true));
    assert_eq!(items(&found), [BREAD, BUTTER]);
    assert!(found.iter().all(|found| found.tier == Tier::Bestsellers));
    let anna = Query { items: &[], customer: Some(model.profile(ANNA)), ..Query::default() };
    let found = bought_together(&model, &anna, &limits(3, &|_| true));
    let tiers: Vec<_> = found.iter().map(|found| (found.item, found.tier)).collect();
    assert_eq!(tiers, [(MILK, Tier::Habits), (JAM, Tier::Habits), (BREAD, Tier::Bestsellers)]);
}

#[test]
fn an_item_that_nobody_bought_is_answered_from_its_category() {
    let mut parts = common::parts();
    // The candle becomes a dairy item.
    parts.catalogue = with_categories(&parts.catalogue, vec![0, 1, 2, 1, 2, 2]);
    let model = Model::new(parts).unwrap();
    let found = alternatives(&model, &Query { items: &[CANDLE], ..Query::default() }, &limits(2, &|_| true));
    let tiers: Vec<_> = found.iter().map(|found| (found.item, found.tier)).collect();
    assert_eq!(tiers, [(MILK, Tier::Category), (OAT_MILK, Tier::Category)]);
}

/// The blend for new items ranks the least popular first.
#[test]
fn places_for_what_is_new_have_a_blend_of_their_own() {
    let mut parts = common::parts();
    parts.blends[Question::BoughtTogetherNew] = Blend::straight(&[("popularity", -1.0)]);
    let model = Model::new(parts).unwrap();
    let query = Query { items: &[BREAD], customer: Some(model.profile(ANNA)), ..Query::default() };
    // Anna has bought milk and jam.
    let only_new = Limits { repeats: false, ..Limits::best(2) };
    assert_eq!(items(&bought_together(&model, &query, &only_new)), [OAT_MILK, BUTTER]);
    let found = bought_together_and_new(&model, &query, &limits(3, &|_| true), 1);
    let usual = items(&bought_together(&model, &query, &limits(2, &|_| true)));
    let shown: Vec<Item> = found.iter().map(|(_, found)| found.item).collect();
    assert_eq!(shown, [usual[0], usual[1], OAT_MILK], "what is new comes last");
    let questions: Vec<Question> = found.iter().map(|(question, _)| *question).collect();
    assert_eq!(questions, [Question::BoughtTogether, Question::BoughtTogether, Question::BoughtTogetherNew]);
    // A pinned item stays first.
    let pinned = Limits { pinned: &[CANDLE], ..limits(2, &|_| true) };
    let found = bought_together_and_new(&model, &query, &pinned, 2);
    assert_eq!(found.iter().map(|(_, found)| found.item).collect::<Vec<_>>(), [CANDLE, OAT_MILK]);
    let nobody = Query { customer: None, ..query };
    assert_eq!(bought_together_and_new(&model, &nobody, &limits(3, &|_| true), 3).len(), 3, "all is new to nobody");
}

#[test]
fn repeats_can_be_left_out() {
    let model = model();
    let new_only = Limits { repeats: false, ..Limits::best(6) };
    let found = bought_together(
        &model,
        &Query { items: &[BREAD], customer: Some(model.profile(ANNA)), ..Query::default() },
        &new_only,
    );
    assert!(items(&found).iter().all(|item| ![MILK, JAM].contains(item)), "{found:?}");
    assert_eq!(found.len(), 3);
}

/// The offers for a customer.
fn ranked(model: &Model, customer: Option<Customer>, on_offer: &[Offer<'_>], limit: usize) -> Vec<RankedOffer> {
    offers(model, customer.map(|customer| model.profile(customer)), &PreparedOffers::new(model, on_offer), limit)
}

fn of(items: &[Item]) -> Offer<'_> {
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

    // A strong promotion comes first; a number that the blend does not use adds nothing.
    let promoted = [of(&[MILK]), Offer { items: &[BREAD], numbers: &[("discount", 4.0), ("colour", 9.0)] }];
    let order: Vec<_> = ranked(&model, Some(ANNA), &promoted, 10).iter().map(|o| o.offer).collect();
    assert_eq!(order, [1, 0]);
    let why = |offer: &Offer<'_>, item| {
        let found = Recommended { item, score: 0.0, tier: Tier::Model };
        explain_offer(
            &model,
            Question::Offers,
            &Query { items: &[], customer: Some(model.profile(ANNA)), ..Query::default() },
            offer,
            &found,
        )
    };
    assert_eq!((why(&promoted[1], BREAD)[0].signal.as_ref(), why(&promoted[1], BREAD)[0].share), ("promotion", 8.0));
    assert!(why(&promoted[0], MILK).iter().all(|reason| reason.signal != "promotion"));
}

#[test]
fn who_is_unknown_is_shown_what_sells_now_and_what_is_promoted_as_far_as_that_was_learned() {
    let model = model();
    let promoted =
        |discount: f32| Offer { items: &[CANDLE], numbers: if discount > 0.0 { &[("discount", 4.0)] } else { &[] } };
    let order = |model: &Model, discount: f32| -> Vec<usize> {
        ranked(model, None, &[of(&[BREAD]), promoted(discount), of(&[MILK])], 10).iter().map(|o| o.offer).collect()
    };
    assert_eq!(order(&model, 4.0), [0, 2, 1], "an older artefact has not learned it");
    let offers_anonymous = Blend::straight(&[("recent_popularity", 1.0), ("discount", 2.0)]);
    let mut blends = model.blends().clone();
    blends[Question::OffersAnonymous] = offers_anonymous;
    let model = model.reblended(blends).unwrap();
    assert_eq!([order(&model, 0.0), order(&model, 4.0)], [[0, 2, 1], [1, 0, 2]]);
    assert!(ranked(&model, None, &[promoted(4.0)], 10).iter().all(|offer| offer.tier == Tier::Bestsellers));
}

#[test]
fn offers_that_are_closed_or_whose_items_are_gone_are_passed_over() {
    let model = model();
    let on_offer = [of(&[BREAD]), of(&[CANDLE, MILK]), of(&[JAM]), of(&[])];
    let ready = PreparedOffers::new(&model, &on_offer);
    for customer in [None, Some(ANNA)] {
        for gone in [&[][..], &[MILK], &[MILK, JAM], &[BREAD, CANDLE]] {
            // The remaining offers, prepared alone.
            let left: Vec<Vec<Item>> = on_offer
                .iter()
                .map(|offer| offer.items.iter().copied().filter(|item| !gone.contains(item)).collect())
                .collect();
            let open: Vec<usize> = (0..4).filter(|&at| at == 3 || !left[at].is_empty()).collect();
            let rest: Vec<Offer<'_>> = open.iter().map(|&at| of(&left[at])).collect();
            let expected: Vec<_> =
                ranked(&model, customer, &rest, 10).iter().map(|o| (open[o.offer], o.item, o.score)).collect();
            let is_open = |at: usize| open.contains(&at);
            let found = available_offers(
                &model,
                customer.map(|customer| model.profile(customer)),
                &ready,
                10,
                &is_open,
                &|item| !gone.contains(&item),
            );
            assert_eq!(found.iter().map(|o| (o.offer, o.item, o.score)).collect::<Vec<_>>(), expected, "{gone:?}");
        }
    }
}

#[test]
fn an_audience_is_the_same_scores_read_the_other_way() {
    let model = model();
    let profile_at = |at: u32, each: &mut dyn FnMut(Profile<'_>)| each(model.profile(Customer(at)));
    let found = audience(&model, of(&[MILK]), 10, 2, &profile_at);
    let listed: Vec<u32> = found.iter().map(|listener| listener.customer).collect();
    assert_eq!(listed, [ANNA.0, 1], "anna buys milk, bert does not");
    for listener in found {
        let offered = ranked(&model, Some(Customer(listener.customer)), &[of(&[MILK])], 1);
        assert_eq!(offered[0].score, listener.score);
    }
}

#[test]
fn the_parts_of_a_score_sum_up_to_it() {
    let model = model();
    let query = Query { items: &[BREAD], customer: Some(model.profile(ANNA)), ..Query::default() };
    let found = bought_together(&model, &query, &limits(6, &|_| true));
    for found in found.iter().filter(|found| found.tier == Tier::Model) {
        let reasons = explain(&model, Question::BoughtTogether, &query, found);
        let sum: f32 = reasons.iter().map(|reason| reason.share).sum();
        assert!((sum - found.score).abs() < 1e-5, "{sum} for {found:?}");
    }
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
