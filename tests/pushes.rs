//! A snapshot that was updated by pushes answers like one that is built from the final state, for any order of pushes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::path::Path;
use std::sync::Arc;

use allocation_counter::measure;
use common::Service;
use proptest::prelude::*;
use serde_json::json;
use trolley::exposures::Exposures;
use trolley::live::{
    Block, Boost, Explain, ItemQuery, Market, Markets, Offer, OfferQuery, Rule, Snapshot, StateSync, StockUpdate,
};
use trolley::store::Store;
use trolley_model::artefact::ModelRegistry;

const ITEMS: [&str; 8] = ["milk-a", "milk-b", "butter", "bread", "tea", "rare", "new-milk", "unheard-of"];
const STORES: [&str; 2] = ["north", "south"];
const CUSTOMERS: [&str; 3] = ["anna", "bert", "nobody"];

#[derive(Clone, Debug)]
enum Push {
    /// Of the whole market, or of a store.
    Stock(Vec<(usize, Option<usize>, bool)>),
    Forget(usize, Option<usize>),
    Offers(Vec<Vec<usize>>),
    Block(Vec<usize>),
    Erase(usize),
    NewModel,
}

fn store() -> impl Strategy<Value = Option<usize>> {
    prop::option::of(0..STORES.len())
}

fn push() -> impl Strategy<Value = Push> {
    let item = 0..ITEMS.len();
    prop_oneof![
        8 => prop::collection::vec((item.clone(), store(), any::<bool>()), 1..4).prop_map(Push::Stock),
        1 => (item.clone(), store()).prop_map(|(item, store)| Push::Forget(item, store)),
        2 => prop::collection::vec(prop::collection::vec(item.clone(), 1..4), 0..4).prop_map(Push::Offers),
        2 => prop::collection::vec(item, 0..2).prop_map(Push::Block),
        1 => (0..CUSTOMERS.len()).prop_map(Push::Erase),
        1 => Just(Push::NewModel),
    ]
}

async fn state_sync(folder: &Path) -> StateSync {
    let markets = Arc::new(Markets::new(ModelRegistry::new(folder.join("models")), []));
    let store = Store::open(&format!("sqlite:{}", folder.join("state.sqlite").display())).await.unwrap();
    let state_sync = StateSync::new(store, markets, Exposures::default()).await.unwrap();
    state_sync.refresh().await;
    state_sync
}

fn offer(id: String, items: Vec<String>) -> Offer {
    Offer {
        id,
        items,
        valid_from: None,
        valid_to: None,
        stores: Vec::new(),
        numbers: std::collections::BTreeMap::new(),
    }
}

fn rule(id: &str) -> Rule {
    Rule { id: id.to_owned(), block: None, block_pair: None, pin: None, boost: None, must_match: None }
}

fn block(item: &str) -> Rule {
    Rule { block: Some(Block { item: item.to_owned(), ..Block::default() }), ..rule(item) }
}

async fn make(state_sync: &StateSync, market: &Arc<Market>, push: &Push, sequence: u64) {
    let id = |item: &usize| ITEMS[*item].to_owned();
    match push {
        Push::Stock(items) => {
            let update = |(item, store, in_stock): &(usize, Option<usize>, bool)| StockUpdate {
                item: id(item),
                store: store.map(|store| STORES[store].to_owned()),
                in_stock: *in_stock,
                sequence,
            };
            state_sync.put_stock(market, &items.iter().map(update).collect::<Vec<_>>()).await.unwrap();
        }
        Push::Forget(item, store) => {
            state_sync.forget_stock(market, ITEMS[*item], store.map(|store| STORES[store])).await.unwrap();
        }
        Push::Offers(offers) => {
            let offers = offers.iter().enumerate();
            let offers = offers.map(|(at, items)| offer(format!("o{at}"), items.iter().map(id).collect()));
            assert!(state_sync.put_offers(market, None, offers.collect()).await.unwrap());
        }
        Push::Block(items) => {
            let mut items = items.clone();
            items.dedup();
            let rules = items.iter().map(|item| block(ITEMS[*item])).collect();
            assert!(state_sync.put_rules(market, None, rules).await.unwrap());
        }
        Push::Erase(customer) => state_sync.erase(market, CUSTOMERS[*customer]).await.unwrap(),
        Push::NewModel => {
            let registry = state_sync.markets().registry();
            let current = registry.current(market.name()).unwrap();
            market.serve(registry.open(market.name(), &current).unwrap());
        }
    }
}

/// The answers to all questions.
fn answers(snapshot: &Snapshot) -> Vec<String> {
    let mut answers = vec![format!("{:?}", snapshot.out_of_stock())];
    for customer in CUSTOMERS {
        answers.push(format!(
            "{:?}",
            snapshot.offers_for(&OfferQuery::of(customer, 10, Explain::Full), chrono::Utc::now())
        ));
        for item in ["bread", "milk-a"] {
            let items = [item.to_owned()];
            let customer = Some(customer);
            for store in [None, Some(STORES[0]), Some(STORES[1])] {
                let query = ItemQuery { customer, store, ..ItemQuery::of(&items, 6) };
                answers.push(format!("{:?} {:?}", snapshot.bought_together(&query), snapshot.alternatives(&query)));
            }
        }
    }
    answers.push(format!("{:?}", snapshot.audience("o0", 10, Explain::No)));
    answers
}

#[test]
fn a_snapshot_that_grew_is_one_that_is_made_of_all() {
    let trained = tempfile::tempdir().unwrap();
    common::train(trained.path(), "de", 1_710_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&prop::collection::vec(push(), 1..10), |pushes| {
            let state = trained.path().join("state.sqlite");
            let _ = std::fs::remove_file(&state);
            runtime.block_on(async {
                let grown = state_sync(trained.path()).await;
                let market = grown.markets().get("de").unwrap();
                for (sequence, push) in (1..).zip(&pushes) {
                    make(&grown, &market, push, sequence).await;
                }
                let made = state_sync(trained.path()).await;
                let (grown, made) = (market.snapshot().unwrap(), made.markets().get("de").unwrap().snapshot().unwrap());
                prop_assert_eq!(answers(&grown), answers(&made));
                Ok(())
            })
        })
        .unwrap();
}

/// A cached anonymous answer needs a fraction of the allocations of a computed one.
#[tokio::test]
async fn only_a_boost_takes_answers_for_anybody_out_of_the_cache() {
    let service = Service::new().await;
    let market = service.markets.get("de").unwrap();
    let allocations = async |rules: Vec<Rule>| {
        assert!(service.state_sync.put_rules(&market, None, rules).await.unwrap());
        let (snapshot, items) = (market.snapshot().unwrap(), ["bread".to_owned()]);
        let query = ItemQuery::of(&items, 3);
        let ask = || drop(snapshot.bought_together(&query));
        ask();
        measure(ask).count_total
    };
    let without = allocations(vec![]).await;
    let pin =
        Rule { pin: Some(serde_json::from_value(json!({"item": "rare", "to": "bread"})).unwrap()), ..rule("pin") };
    let blocked = allocations(vec![block("butter"), pin]).await;
    let boost = Boost { item: Some("butter".to_owned()), category: None, by: 0.5 };
    let boosted = allocations(vec![Rule { boost: Some(boost), ..rule("boost") }]).await;
    assert!(blocked < without + 8, "{without} without rules, {blocked} with a block and a pin");
    assert!(boosted > blocked + 4, "worked out it takes {boosted}, from the cache {blocked}");
}
