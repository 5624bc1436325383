//! Speed of each kernel compared with a plain loop compiled for any processor, and of the products of small matrices
//! compared with the processor's peak.
//!
//! `cargo bench -p trolley-model --bench kernel`
#![allow(unsafe_code, reason = "the limit is measured with the instructions of this processor")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use trolley_model::kernel::{LANES, add_products, add_scaled, dot, transpose};

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

/// A basket with its negatives, and vectors of 64 floats.
const ITEMS: usize = 10;
const NEGATIVES: usize = 32;
const WIDTH: usize = 64 / LANES;

/// Number of independent sums: enough to keep all units busy.
const CHAINS: usize = 10;
const ROUNDS: usize = 256;

/// Peak rate: multiply-adds from the L1 cache to sums in registers, and nothing else.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled with the features of the caller")]
#[expect(clippy::needless_range_loop, reason = "written like this, it is not taken apart")]
fn multiply_and_add(x: &[[f32; LANES]]) -> [[f32; LANES]; CHAINS] {
    let mut sums = [[0.0; LANES]; CHAINS];
    for x in x {
        for chain in 0..CHAINS {
            for lane in 0..LANES {
                sums[chain][lane] = x[lane].mul_add(x[lane], sums[chain][lane]);
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
fn limit(x: &[[f32; LANES]]) -> Option<[[f32; LANES]; CHAINS]> {
    #[target_feature(enable = "avx512f,avx2,fma")]
    fn avx512(x: &[[f32; LANES]]) -> [[f32; LANES]; CHAINS] {
        multiply_and_add(x)
    }
    #[target_feature(enable = "avx2,fma")]
    fn avx2(x: &[[f32; LANES]]) -> [[f32; LANES]; CHAINS] {
        multiply_and_add(x)
    }
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor was just found to have the features that the function was compiled for.
        return Some(unsafe { avx512(x) });
    }
    // SAFETY: as above.
    (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then(|| unsafe { avx2(x) })
}

/// Throughput in multiply-adds, so that the rates are comparable.
fn small_matrices(criterion: &mut Criterion) {
    let rows = |n: usize| vec![[0.5f32; LANES]; n];
    let mut group = criterion.benchmark_group("small matrices");
    #[cfg(target_arch = "x86_64")]
    if limit(&[]).is_some() {
        group.throughput(Throughput::Elements((CHAINS * ROUNDS * LANES) as u64));
        let x = rows(ROUNDS);
        group.bench_function("the limit: sums in registers", |bench| bench.iter(|| limit(black_box(&x))));
    }
    let (centers, negatives) = (rows(ITEMS * WIDTH), rows(NEGATIVES * WIDTH));
    let (mut columns, mut scores) = (rows(WIDTH * LANES * NEGATIVES / LANES), rows(ITEMS * NEGATIVES / LANES));
    group.throughput(Throughput::Elements((NEGATIVES * WIDTH * LANES) as u64));
    group.bench_function("transpose the negatives (in numbers moved)", |bench| {
        bench.iter(|| transpose(black_box(&negatives), WIDTH, &mut columns));
    });
    group.throughput(Throughput::Elements((ITEMS * NEGATIVES * WIDTH * LANES) as u64));
    group.bench_function("scores of a basket and its negatives", |bench| {
        bench.iter(|| add_products(&mut scores, black_box(centers.as_flattened()), &columns, NEGATIVES / LANES));
    });
    let (weights, mut of_centers) = (vec![0.5; ITEMS * NEGATIVES], rows(ITEMS * WIDTH));
    group.bench_function("gradients of the basket", |bench| {
        bench.iter(|| add_products(&mut of_centers, black_box(&weights), &negatives, WIDTH));
    });
    let mut of_negatives = rows(NEGATIVES * WIDTH);
    group.bench_function("gradients of the negatives", |bench| {
        bench.iter(|| add_products(&mut of_negatives, black_box(&weights), &centers, WIDTH));
    });
    group.finish();
}

criterion_group!(benches, kernels, small_matrices);
criterion_main!(benches);
