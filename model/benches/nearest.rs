//! Exact scan against HNSW graph by size of the catalogue: where is the switch-over? See docs/nearest.md.
//!
//! `cargo bench -p trolley-model --bench nearest`; each size also prints the graph's recall and the time to build it.

use std::time::Instant;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use trolley_model::Vectors;
use trolley_model::nearest::{Nearest, exact};

const DIMS: usize = 64;
const WANTED: usize = 100;

/// Rows around one centre for every forty, from a fixed linear congruential generator.
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

fn nearest(criterion: &mut Criterion) {
    for rows in [5_000, 20_000, 50_000] {
        let vectors = clustered(rows);
        let started = Instant::now();
        let graph = Nearest::with_graph(&vectors);
        let built = started.elapsed();
        let queries: Vec<Vec<f32>> = (0..100).map(|n| vectors.unit((n * rows / 100) as u32).to_vec()).collect();
        let found = queries.iter().map(|query| {
            let truth = exact(&vectors, query, WANTED, |_| true);
            let found = graph.search(&vectors, query, WANTED, |_| true);
            truth.iter().filter(|t| found.iter().any(|f| f.0 == t.0)).count()
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
                    exact(&vectors, &queries[turn % 100], WANTED, |row| row % passes == 0)
                });
            });
            group.bench_function(BenchmarkId::new("graph", name), |bench| {
                bench.iter(|| {
                    turn += 1;
                    graph.search(&vectors, &queries[turn % 100], WANTED, |row| row % passes == 0)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, nearest);
criterion_main!(benches);
