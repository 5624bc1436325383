//! Latency of an answer by stage, with the allocator of the service.
//!
//! `cargo run -- demo --no-serve` makes the model (or `TROLLEY_MODELS` names a folder of one market); then `cargo bench
//! -p trolley --no-default-features --bench stages`. No stage uses a socket.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;
use trolley::exposures::Exposures;
use trolley::live::{ItemQuery, Markets, StateSync};
use trolley::store::Store;
use trolley_model::artefact::ModelRegistry;
use trolley_model::recommend::{Limits, candidates};
use trolley_model::{FeatureContext, Item, Query, Scorer, Top, signals};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const QUESTIONS: u32 = 4000;

/// The total time of a stage in seconds.
#[derive(Default)]
struct Stage {
    /// The first run, with processor caches cold for what earlier stages did not touch.
    first: f64,
    /// The second run, with warm caches.
    again: f64,
}

impl Stage {
    /// Runs a stage twice.
    fn run<T>(&mut self, what: impl Fn() -> T) -> T {
        let time = |seconds: &mut f64| {
            let began = Instant::now();
            let result = black_box(what());
            *seconds += began.elapsed().as_secs_f64();
            result
        };
        drop(time(&mut self.first));
        time(&mut self.again)
    }
}

fn main() {
    let models = std::env::var("TROLLEY_MODELS").unwrap_or_else(|_| "trolley-demo/models".into());
    let registry = ModelRegistry::new(&models);
    let name = registry.markets().unwrap().remove(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (router, market) = runtime.block_on(async {
        let markets = Arc::new(Markets::new(registry, []));
        markets.look();
        markets.open();
        let store = Store::open(&format!("sqlite:{}/state.sqlite", folder.path().display())).await.unwrap();
        let state_sync = StateSync::new(store, markets.clone(), Exposures::default()).await.unwrap();
        let router = trolley::api::router(trolley::api::ApiState::new(Arc::new(state_sync)));
        (router, markets.get(name.as_str()).unwrap())
    });
    let snapshot = market.snapshot().unwrap();
    let model = snapshot.model();
    let (catalogue, customers) = (model.catalogue(), model.histories().customers());
    let scorer = Scorer::new(&model.blends()[trolley_model::Question::BoughtTogether], &[], &[]).unwrap();
    let used = model.blends()[trolley_model::Question::BoughtTogether].signals();
    let used: Vec<usize> = used.iter().filter_map(|name| signals::index(name)).collect();
    let limits = Limits::best(6);
    let mut stages: [Stage; 6] = Default::default();
    let mut chosen_from = 0;
    for turn in 0..2 * QUESTIONS {
        // The first pass only fills the model's lazily computed data per item.
        if turn == QUESTIONS {
            (stages, chosen_from) = Default::default();
        }
        let turn = turn % QUESTIONS;
        let some = |n: u32| (u64::from(turn) * 7919 % u64::from(n)) as u32;
        let (item, customer) = (Item(some(catalogue.bought())), some(customers.len() as u32));
        let (asked, by) = ([item], Some(customer));
        let query = Query {
            items: &asked,
            customer: by.map(|by| model.profile(trolley_model::Customer(by))),
            ..Query::default()
        };
        let candidates = stages[0].run(|| candidates(model, &query, &limits));
        let columns = stages[1].run(|| {
            let context = FeatureContext::new(model, query, &candidates);
            let mut columns = vec![0.0; used.len() * candidates.len()];
            for (signal, column) in used.iter().zip(columns.chunks_exact_mut(candidates.len())) {
                signals::ALL[*signal].fill(&context, column);
            }
            columns
        });
        let scores = stages[2].run(|| scorer.score(&columns, candidates.len()));
        stages[3].run(|| {
            let mut top = Top::new(6);
            candidates.iter().zip(&scores).for_each(|(&item, &score)| top.push(score, item.0));
            top.into_sorted()
        });
        let (id, customer) = ([catalogue.id(item).to_owned()], customers.get(customer));
        let query = ItemQuery { customer: Some(customer), ..ItemQuery::of(&id, 6) };
        stages[4].run(|| snapshot.bought_together(&query));
        let path = format!("/v1/markets/{name}/items/{}/bought-together?customer={customer}", id[0]);
        stages[5].run(|| {
            runtime.block_on(async {
                let request = Request::get(&path).body(Body::empty()).unwrap();
                router.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
            })
        });
        chosen_from += candidates.len();
    }
    let whole = stages[5].again;
    println!("bought together for a customer, {} candidates on average:\n", chosen_from / QUESTIONS as usize);
    println!("| stage | µs at first | µs again | of the whole |\n| --- | --- | --- | --- |");
    let names = [
        "candidates, filtered",
        "signals, none worked out beforehand",
        "blend",
        "top six",
        "the snapshot's answer",
        "the whole request: routes, key, counters, answer, JSON",
    ];
    for (stage, name) in stages.iter().zip(names) {
        let each = f64::from(QUESTIONS);
        println!(
            "| {name} | {:.1} | {:.1} | {:.0} % |",
            stage.first / each * 1e6,
            stage.again / each * 1e6,
            100.0 * stage.again / whole
        );
    }
}
