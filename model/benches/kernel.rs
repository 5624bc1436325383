//! What the second copy of each kernel earns: against the loop that a compiler makes for any processor.
//!
//! `cargo bench -p trolley-model --bench kernel`

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use trolley_model::kernel::{add_scaled, dot};

fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    for dims in [32, 64, 128] {
        let x: Vec<f32> = (0..dims).map(|n| n as f32 * 0.01).collect();
        let mut y = x.clone();
        group.bench_function(BenchmarkId::new("dot, chosen at run time", dims), |bench| {
            bench.iter(|| dot(black_box(&x), black_box(&y)));
        });
        group.bench_function(BenchmarkId::new("dot, plain loop", dims), |bench| {
            bench.iter(|| black_box(&x).iter().zip(black_box(&y)).map(|(x, y)| x * y).sum::<f32>());
        });
        group.bench_function(BenchmarkId::new("add_scaled, chosen at run time", dims), |bench| {
            bench.iter(|| add_scaled(black_box(&mut y), 0.001, black_box(&x)));
        });
        group.bench_function(BenchmarkId::new("add_scaled, plain loop", dims), |bench| {
            bench.iter(|| {
                for (y, x) in black_box(&mut y).iter_mut().zip(black_box(&x)) {
                    *y += 0.001 * x;
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
