//! Latency of answers on a real model, for customers with short and long histories; then of each signal.
//!
//! `cargo bench -p trolley-model --bench answers`, after `cargo run -- demo` has trained a model (or with
//! `TROLLEY_MODELS` set to a folder of models). The limit is one millisecond per answer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench")]

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use trolley_model::artefact::ModelRegistry;
use trolley_model::recommend::{
    Limits, Offer, PreparedOffers, alternatives, audience, bought_together, candidates, offers,
};
use trolley_model::{Customer, FeatureContext, Item, Model, Profile, Query, signals};

fn model() -> Model {
    let folder = std::env::var("TROLLEY_MODELS")
        .map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../trolley-demo/models")), PathBuf::from);
    let registry = ModelRegistry::new(&folder);
    let market = registry.markets().expect("a folder of models: run `cargo run -- demo` first").remove(0);
    registry.open(&market, &registry.current(&market).unwrap()).unwrap().model
}

fn answers(criterion: &mut Criterion) {
    let model = model();
    let mut by_baskets: Vec<Customer> = model.histories().numbers().collect();
    by_baskets
        .sort_by_key(|&customer| model.profile(customer).last_baskets().map(|b| b.positions.len()).sum::<usize>());
    let askers = [
        ("nobody", None),
        ("usual customer", by_baskets.get(by_baskets.len() / 2).map(|&customer| model.profile(customer))),
        ("best customer", by_baskets.last().map(|&customer| model.profile(customer))),
    ];
    let limits = Limits::best(6);
    let bought = model.catalogue().bought();
    let on_offer: Vec<Item> = (0..bought).step_by((bought as usize / 1000).max(1)).map(Item).collect();
    let on_offer: Vec<Offer<'_>> = on_offer.chunks(1).map(|items| Offer { items, numbers: &[] }).collect();
    let on_offer = PreparedOffers::new(&model, &on_offer);
    // Each iteration queries another item, from bestsellers to the tail.
    let mut turn = 0;
    let mut item = move || {
        turn = (turn + 7919) % bought.min(5000);
        Item(turn)
    };
    let mut group = criterion.benchmark_group("answers");
    group.sample_size(30).measurement_time(std::time::Duration::from_secs(2));
    for (name, customer) in askers {
        group.bench_function(BenchmarkId::new("bought together", name), |bench| {
            bench.iter(|| bought_together(&model, &Query { items: &[item()], customer, ..Query::default() }, &limits));
        });
        group.bench_function(BenchmarkId::new("cart of ten", name), |bench| {
            bench.iter(|| {
                let items: Vec<Item> = (0..10).map(|_| item()).collect();
                bought_together(&model, &Query { items: &items, customer, ..Query::default() }, &limits)
            });
        });
        group.bench_function(BenchmarkId::new("alternatives", name), |bench| {
            bench.iter(|| alternatives(&model, &Query { items: &[item()], customer, ..Query::default() }, &limits));
        });
        group.bench_function(BenchmarkId::new("200 of 1,000 offers", name), |bench| {
            bench.iter(|| offers(&model, customer, &on_offer, 200));
        });
    }
    group.sample_size(10);
    group.bench_function("audience", |bench| {
        let all = model.histories().customers().len() as u32;
        let profile_at = |at: u32, each: &mut dyn FnMut(Profile<'_>)| each(model.profile(Customer(at)));
        bench.iter(|| audience(&model, Offer { items: &[item(), item()], numbers: &[] }, 1000, all, &profile_at));
    });
    group.finish();

    let mut group = criterion.benchmark_group("signals, best customer");
    group.sample_size(20).measurement_time(std::time::Duration::from_millis(300));
    let items = [Item(bought / 50)];
    let query = Query {
        items: &items,
        customer: by_baskets.last().map(|&customer| model.profile(customer)),
        ..Query::default()
    };
    let candidates = candidates(&model, &query, &limits);
    let mut out = vec![0.0; candidates.len()];
    println!("{} candidates", candidates.len());
    for signal in signals::ALL {
        group.bench_function(signal.name(), |bench| {
            bench.iter(|| signal.fill(&FeatureContext::new(&model, query, black_box(&candidates)), &mut out));
        });
    }
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
