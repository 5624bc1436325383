//! Exact scan compared with an HNSW graph (`hnsw_rs`) by size of the catalogue, and the cost of computing all
//! neighbours in advance. See docs/nearest.md.
//!
//! `cargo bench -p trolley-model --bench nearest`; each size also prints the graph's recall and build time.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use hnsw_rs::anndists::dist::distances::DistDot;
use hnsw_rs::hnsw::Hnsw;
use trolley_model::nearest::{NEIGHBOURS, nearest, nearest_of};
use trolley_model::{Item, Vectors};

const DIMS: usize = 64;
const WANTED: usize = 100;

/// Rows in clusters of forty, from a fixed linear congruential generator.
fn clustered(rows: usize) -> Vectors {
    let mut state = 1u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let centres: Vec<f32> = (0..rows.div_ceil(40) * DIMS).map(|_| noise()).collect();
    let values = (0..rows * DIMS).map(|at| centres[at / DIMS / 40 * DIMS + at % DIMS] + 0.6 * noise());
    Vectors::from_rows(DIMS, values.collect())
}

/// A graph with 16 links per vector and a construction breadth of 200 (Malkov and Yashunin 2018, section 4). Vectors
/// are inserted sequentially, so that it is reproducible. `shrunk` is needed because anndists asserts that no inner
/// product exceeds 1 by more than a rounding error.
fn graph(vectors: &Vectors) -> Hnsw<'static, f32, DistDot> {
    let graph = Hnsw::new(16, vectors.len(), 16, 200, DistDot {});
    for row in 0..vectors.len() as u32 {
        graph.insert((&shrunk(vectors.unit(row)), row as usize));
    }
    graph
}

fn shrunk(unit: &[f32]) -> Vec<f32> {
    unit.iter().map(|x| x * 0.9999).collect()
}

/// Retrieves four times the wanted number, then filters.
fn search(graph: &Hnsw<'static, f32, DistDot>, query: &[f32], allowed: impl Fn(Item) -> bool) -> Vec<Item> {
    let found = graph.search(&shrunk(query), 4 * WANTED, 4 * WANTED).into_iter().map(|found| Item(found.d_id as u32));
    found.filter(|&item| allowed(item)).take(WANTED).collect()
}

fn compare(criterion: &mut Criterion) {
    for rows in [5_000, 20_000, 50_000] {
        let vectors = clustered(rows);
        let started = Instant::now();
        let graph = graph(&vectors);
        let built = started.elapsed();
        let queries: Vec<Vec<f32>> = (0..100).map(|n| vectors.unit((n * rows / 100) as u32).to_vec()).collect();
        let found = queries.iter().map(|query| {
            let truth = nearest(&vectors, query, WANTED, |_| true);
            let found = search(&graph, query, |_| true);
            truth.iter().filter(|t| found.contains(&t.0)).count()
        });
        let recall = found.sum::<usize>() as f64 / (WANTED * queries.len()) as f64;
        println!("{rows} rows: graph built in {:.1} s, recall@{WANTED} {recall:.3}", built.as_secs_f64());
        let mut group = criterion.benchmark_group(format!("nearest/{rows}"));
        group.sample_size(20).measurement_time(std::time::Duration::from_secs(2));
        for (name, passes) in [("all", 1), ("half", 2), ("1 %", 100)] {
            let mut turn = 0;
            group.bench_function(BenchmarkId::new("exact", name), |bench| {
                bench.iter(|| {
                    turn += 1;
                    nearest(&vectors, &queries[turn % 100], WANTED, |item| item.0 % passes == 0)
                });
            });
            group.bench_function(BenchmarkId::new("graph", name), |bench| {
                bench.iter(|| {
                    turn += 1;
                    search(&graph, &queries[turn % 100], |item| item.0 % passes == 0)
                });
            });
        }
        group.finish();
    }
}

/// Time to compute the neighbours of all items, extrapolated from some of them.
fn beforehand(_: &mut Criterion) {
    for rows in [50_000, 200_000, 500_000] {
        let (vectors, some) = (clustered(rows), 1024);
        let started = Instant::now();
        black_box(nearest_of(&vectors, 0..some, NEIGHBOURS));
        let all = started.elapsed().as_secs_f64() * rows as f64 / f64::from(some);
        println!("{rows} rows: the neighbours of all take {all:.0} s of one processor");
    }
}

criterion_group!(benches, beforehand, compare);
criterion_main!(benches);
