//! `why-not` against a brute-force ranking of all candidates.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::path::Path;

use trolley::live::{ItemQuery, PushedState, Snapshot, Stock, StockUpdate, Verdict};
use trolley_model::artefact::ModelRegistry;
use trolley_model::recommend::{Limits, Recommended, Tier, bought_together, candidates, explain};
use trolley_model::{Item, Model, Query, Question};
use trolley_training::{InputConfig, Shop, ShopSize, Silent, TrainingConfig};

/// A shop of a thousand items, whose answers have many more candidates than places.
fn shop(folder: &Path) -> Snapshot {
    let tables = folder.join("shop");
    let size = ShopSize { lines: 30_000, items: 1000, customers: 200, days: 120 };
    Shop::new(size, 3).write(&tables, &Silent).unwrap();
    let config = trolley::config::Config::read(&tables.join("shop.toml")).unwrap();
    let (market, input): (_, &InputConfig) = config.markets.iter().next().unwrap();
    let mut training = TrainingConfig::default();
    training.skipgram.epochs = 2;
    training.evaluation.test_days = 0;
    // Otherwise diversification would hide candidates from the ranking.
    training.list = trolley_model::ListRules { above_chance: true, ..trolley_model::ListRules::none() };
    let version = common::train_with(folder, market, 1_800_000_000, input, &training).version;
    let opened = ModelRegistry::new(folder.join("models")).open(market, &version).unwrap();
    let mut stock = Stock::default();
    for item in (0..1000).step_by(7) {
        let item = opened.model.catalogue().id(Item(item)).to_owned();
        stock.update(&StockUpdate { item, store: None, in_stock: false, sequence: 1 });
    }
    Snapshot::new(opened, &PushedState::new(Vec::new(), stock))
}

/// The candidates with the sums of their reasons' shares, best first.
fn by_reasons(model: &Model, query: &Query<'_>, candidates: &[Item]) -> Vec<(Item, f32)> {
    let score = |&item: &Item| {
        let found = Recommended { item, score: 0.0, tier: Tier::Model };
        (item, explain(model, Question::BoughtTogether, query, &found).iter().map(|reason| reason.share).sum::<f32>())
    };
    let mut scores: Vec<(Item, f32)> = candidates.iter().map(score).collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    scores
}

fn query<'a>(items: &'a [String], customer: Option<&'a str>) -> ItemQuery<'a> {
    ItemQuery { customer, ..ItemQuery::of(items, 6) }
}

#[test]
fn a_verdict_is_about_the_candidates_of_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = shop(folder.path());
    let model = snapshot.model();
    let (catalogue, customers) = (model.catalogue(), model.histories().customers());
    let in_stock = |item: Item| !item.0.is_multiple_of(7);
    for (asked, customer) in [(1, Some(0)), (30, Some(5)), (300, Some(11)), (2, None), (40, None), (400, None)] {
        let asked = Item(asked);
        let model_query = Query {
            items: &[asked],
            customer: customer.map(|customer| model.profile(trolley_model::Customer(customer))),
            ..Query::default()
        };
        let (ids, name) = ([catalogue.id(asked).to_owned()], customer.map(|customer| customers.get(customer)));
        let query = query(&ids, name);
        let limits = Limits { allowed: &in_stock, ..Limits::best(6) };
        let shown: Vec<&str> = snapshot.bought_together(&query).into_iter().map(|answer| answer.id).collect();
        assert_eq!(shown.len(), 6);
        // Anonymous answers are chosen from the candidates of a long list, regardless of stock.
        let mut all = match customer {
            Some(_) => candidates(model, &model_query, &limits),
            None => candidates(model, &model_query, &Limits::best(64)),
        };
        all.retain(|&item| in_stock(item));
        let scores = by_reasons(model, &model_query, &all);
        for other in catalogue.numbers() {
            let id = catalogue.id(other);
            let (verdict, scored) = (snapshot.why_not(&query, id), scores.iter().find(|scored| scored.0 == other));
            match (&verdict, scored) {
                (Verdict::AskedAbout, _) => assert_eq!(other, asked),
                (Verdict::OutOfStock, _) => assert!(!in_stock(other)),
                (Verdict::Shown(rank), Some(_)) => assert_eq!(shown[rank - 1], id),
                (Verdict::Outranked(result), Some((_, score))) => {
                    assert_eq!(result.candidates, all.len(), "of as many as the answer had");
                    assert!((result.score - score).abs() < 1e-4, "{} {score}", result.score);
                    // Sums of parts can differ in the last digits.
                    let above = scores.iter().filter(|other| other.1 > score + 1e-4).count();
                    let above_or_equal = scores.iter().filter(|other| other.1 > score - 1e-4).count();
                    assert!((above + 1..=above_or_equal).contains(&result.rank), "{result:?}");
                }
                (Verdict::NoCandidate, None) => {}
                (verdict, scored) => panic!("{id} for {asked:?}, {customer:?}: {verdict:?}, but {scored:?}"),
            }
        }
    }
}

/// The same from the answers alone: if the shown items are excluded, the next ones in rank follow.
#[test]
fn who_is_hidden_makes_room_for_the_next_in_rank() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = shop(folder.path());
    let catalogue = snapshot.model().catalogue();
    let ids = [catalogue.id(Item(3)).to_owned()];
    let mut hidden: Vec<String> = Vec::new();
    while hidden.len() < 48 {
        let shown = snapshot.bought_together(&ItemQuery { exclude: &hidden, ..query(&ids, None) });
        assert!(shown.iter().all(|answer| answer.tier == Tier::Model));
        let shown: Vec<String> = shown.into_iter().map(|answer| answer.id.to_owned()).collect();
        hidden.extend(shown);
    }
    for (at, id) in hidden.iter().enumerate() {
        let rank = match snapshot.why_not(&query(&ids, None), id) {
            Verdict::Shown(rank) => rank,
            Verdict::Outranked(result) => result.rank,
            other => panic!("{id}: {other:?}"),
        };
        assert_eq!(rank, at + 1, "{id}");
    }
    let model = snapshot.model();
    let direct = bought_together(
        model,
        &Query { items: &[Item(3)], ..Query::default() },
        &Limits { allowed: &|item| !item.0.is_multiple_of(7), ..Limits::best(48) },
    );
    assert_eq!(direct.iter().map(|found| catalogue.id(found.item)).collect::<Vec<_>>(), hidden);
}
