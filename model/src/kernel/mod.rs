//! The vector kernels of training and scoring: `dot` and `add_scaled` of two vectors, `add_products` and `transpose` of
//! small matrices, `dots` and `add_errors` of scattered rows, `sigmoids`, `logs`, and the leaves of trees.
//!
//! This is the only module with `unsafe`. Each kernel is one portable loop, compiled for any processor, for AVX2 with
//! fused multiply-add and, where it is faster, for AVX-512; the version is chosen at run time. Slices are first cut to
//! matching lengths, so the interface is safe. `benches/kernel.rs` measures the versions; the tests compare all of them
//! with the naive loop.
#![expect(unsafe_code, reason = "calling a function compiled for a processor feature that was just detected")]

mod loops;

use crate::item::Item;

/// Number of floats summed in parallel. It fixes the order of summation, and so the result on one type of processor.
pub const LANES: usize = 16;

/// The inner product of two vectors; the longer one is truncated.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    #[cfg(target_arch = "x86_64")]
    if has_avx2_fma() {
        // SAFETY: the processor was just found to have the features that this version was compiled for.
        return unsafe { dot_avx2(a, b) };
    }
    loops::dot(a, b, |x, y, sum| sum + x * y)
}

/// `y += scale * x`, element by element; the longer one is truncated.
#[inline]
pub fn add_scaled(y: &mut [f32], scale: f32, x: &[f32]) {
    let n = y.len().min(x.len());
    let (y, x) = (&mut y[..n], &x[..n]);
    #[cfg(target_arch = "x86_64")]
    if has_avx2_fma() {
        // SAFETY: as in `dot`.
        return unsafe { add_scaled_avx2(y, scale, x) };
    }
    for (y, x) in y.iter_mut().zip(x) {
        *y += scale * x;
    }
}

/// Defines a kernel: the loop, compiled for any processor and for two with wider vector instructions.
macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub fn $name($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn avx512($($argument: $type),*) {
                    loops::$name($($argument,)* f32::mul_add);
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($argument: $type),*) {
                    loops::$name($($argument,)* f32::mul_add);
                }
                if has_avx512() {
                    // SAFETY: as in `dot`.
                    return unsafe { avx512($($argument),*) };
                }
                if has_avx2_fma() {
                    // SAFETY: as in `dot`.
                    return unsafe { avx2($($argument),*) };
                }
            }
            loops::$name($($argument,)* |x, y, sum| sum + x * y);
        }
    };
}

kernel! {
    /// Transposes a matrix: for rows of `width` times [`LANES`] floats, the n-th floats of all rows become row n of
    /// `out`, which has the smallest number of chunks that hold them. The rest of the last chunk is unspecified.
    transpose(rows: &[[f32; LANES]], width: usize, out: &mut [[f32; LANES]])
}

kernel! {
    /// Adds weighted rows of `b` to the rows of `y`: `y[i] += sum over j of weights[i][j] * b[j]`, with rows of `width`
    /// times [`LANES`] floats.
    add_products(y: &mut [[f32; LANES]], weights: &[f32], b: &[[f32; LANES]], width: usize)
}

kernel! {
    /// The inner products of `query` with the rows of `items` in `table`, each of `query.len()` floats; 0 for a row
    /// beyond the table. Bit by bit the same as [`dot`] of each, and faster for scattered rows, which are
    /// prefetched.
    dots(table: &[f32], items: &[Item], query: &[f32], out: &mut [f32])
}

kernel! {
    /// `out += sum over k of weights[k] (target - y · v) y`, where y is row `rows[k]` of `table`: minus half the
    /// gradient of the weighted squared errors of the products. With target 0, it subtracts the product of the weighted
    /// sum of `y yᵀ` and `v`. Rows, `v` and `out` have the same length, a multiple of [`LANES`]; rows beyond the table
    /// add nothing.
    add_errors(table: &[f32], rows: &[u32], weights: &[f32], target: f32, v: &[f32], out: &mut [f32])
}

kernel! {
    /// Replaces each value x by 1 / (1 + exp(-x)), with an absolute error below 2e-7, vectorised.
    sigmoids(values: &mut [f32])
}

kernel! {
    /// Replaces each finite, non-negative value x by ln(1 + scale · x), with a relative error below 1e-6, vectorised.
    logs(values: &mut [f32], scale: f32)
}

/// Number of candidates that are evaluated together.
pub const BLOCK: usize = 32;

/// A tree of two levels over numbered inputs: the root, its left child and its right child.
#[derive(Clone, Copy, Debug)]
pub struct Branches {
    /// The numbers of the inputs.
    pub inputs: [u32; 3],
    /// The thresholds: a value from here on goes to the right.
    pub from: [f32; 3],
    /// The values of the leaves, from the left.
    pub adds: [f32; 4],
}

kernel! {
    /// Adds one leaf of each tree to each sum, tree by tree; `values` has a block per input. A tree with an input
    /// beyond `values` adds nothing.
    add_leaves(sums: &mut [f32; BLOCK], values: &[[f32; BLOCK]], trees: &[Branches])
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f") && has_avx2_fma()
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx2_fma() -> bool {
    // Both are cached after the first call; one relaxed load each.
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    loops::dot(a, b, f32::mul_add)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_scaled_avx2(y: &mut [f32], scale: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = scale.mul_add(*x, *y);
    }
}

/// Prefetches a row without waiting for it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled with the features of its caller")]
fn fetch(row: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in row.chunks(LANES) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: any x86-64 processor has the instruction, and it neither reads nor faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers have exact results")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    fn vectors() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        (0usize..200).prop_flat_map(|n| {
            let values = || prop::collection::vec(-8.0f32..8.0, n);
            (values(), values())
        })
    }

    proptest! {
        #[test]
        fn dot_is_the_naive_sum((a, b) in vectors()) {
            let scale: f64 = a.iter().zip(&b).map(|(x, y)| f64::from((x * y).abs())).sum::<f64>() + 1.0;
            let portable = loops::dot(&a, &b, |x, y, sum| sum + x * y);
            prop_assert!((f64::from(dot(&a, &b)) - naive(&a, &b)).abs() / scale < 1e-5);
            prop_assert!((f64::from(portable) - naive(&a, &b)).abs() / scale < 1e-5);
        }

        #[test]
        fn add_scaled_is_the_naive_loop((y, x) in vectors(), scale in -3.0f32..3.0) {
            let mut got = y.clone();
            add_scaled(&mut got, scale, &x);
            for ((got, y), x) in got.iter().zip(&y).zip(&x) {
                prop_assert!((f64::from(*got) - (f64::from(*y) + f64::from(scale) * f64::from(*x))).abs() < 1e-4);
            }
        }
    }

    proptest! {
        #[test]
        fn dots_of_scattered_rows_are_those_of_each(
            (table, query) in (1usize..70).prop_flat_map(|dims| {
                let values = |n| prop::collection::vec(-4.0f32..4.0, n);
                (values(9 * dims), values(dims))
            }),
            items in prop::collection::vec((0u32..11).prop_map(Item), 0..30),
        ) {
            let mut got = vec![1.0; items.len()];
            let mut portable = got.clone();
            dots(&table, &items, &query, &mut got);
            loops::dots(&table, &items, &query, &mut portable, |x, y, sum| sum + x * y);
            for ((item, got), portable) in items.into_iter().zip(got).zip(portable) {
                let row = table.chunks(query.len()).nth(item.index());
                prop_assert_eq!(got, row.map_or(0.0, |row| dot(row, &query)));
                prop_assert!((got - portable).abs() < 1e-3);
            }
        }
    }

    proptest! {
        #[test]
        fn sums_of_errors_are_the_naive_ones(
            (table, v, out) in (1usize..10).prop_flat_map(|width| {
                let values = |n| prop::collection::vec(-2.0f32..2.0, n * width * LANES);
                (values(9), values(1), values(1))
            }),
            picked in prop::collection::vec((0u32..11, 0.0f32..3.0), 0..30),
            target in -1.0f32..2.0,
        ) {
            let (rows, weights): (Vec<u32>, Vec<f32>) = picked.into_iter().unzip();
            let mut expected: Vec<f64> = out.iter().map(|&x| f64::from(x)).collect();
            for (&row, &weight) in rows.iter().zip(&weights) {
                let Some(y) = table.chunks(v.len()).nth(row as usize) else { continue };
                let scale = f64::from(weight) * (f64::from(target) - naive(y, &v));
                expected.iter_mut().zip(y).for_each(|(sum, y)| *sum += scale * f64::from(*y));
            }
            let (mut got, mut portable) = (out.clone(), out);
            add_errors(&table, &rows, &weights, target, &v, &mut got);
            loops::add_errors(&table, &rows, &weights, target, &v, &mut portable, |x, y, sum| sum + x * y);
            for ((got, portable), expected) in got.into_iter().zip(portable).zip(expected) {
                let near = |x: f32| (f64::from(x) - expected).abs() < 1e-5 * (expected.abs() + 1000.0);
                prop_assert!(near(got) && near(portable), "{got} and {portable} for {expected}");
            }
        }
    }

    /// Two matrices of some rows of `width` chunks, and weights for all pairs of rows.
    type Matrices = (usize, Vec<[f32; LANES]>, Vec<[f32; LANES]>, Vec<f32>);

    fn matrices() -> impl Strategy<Value = Matrices> {
        (1usize..7, 1usize..9, 1usize..20).prop_flat_map(|(width, rows, columns)| {
            let matrix = |rows: usize| prop::collection::vec(prop::array::uniform16(-4.0f32..4.0), rows * width);
            (Just(width), matrix(rows), matrix(columns), prop::collection::vec(-2.0f32..2.0, rows * columns))
        })
    }

    proptest! {
        #[test]
        fn sums_of_rows_are_the_naive_ones((width, a, b, weights) in matrices()) {
            let columns = b.len() / width;
            let (mut sums, mut portable_sums) = (a.clone(), a.clone());
            add_products(&mut sums, &weights, &b, width);
            loops::add_products(&mut portable_sums, &weights, &b, width, |x, y, sum| sum + x * y);
            for (i, a) in a.chunks(width).enumerate() {
                for (at, chunk) in a.iter().enumerate() {
                    for lane in 0..LANES {
                        let row = b.chunks(width).zip(&weights[i * columns..]);
                        let expected = chunk[lane] + row.map(|(b, weight)| b[at][lane] * weight).sum::<f32>();
                        prop_assert!((sums[i * width + at][lane] - expected).abs() < 1e-3);
                        prop_assert!((portable_sums[i * width + at][lane] - expected).abs() < 1e-3);
                    }
                }
            }
        }

        #[test]
        fn columns_become_rows((width, _, rows, _) in matrices()) {
            let across = (rows.len() / width).div_ceil(LANES);
            let mut got = vec![[7.0; LANES]; width * LANES * across];
            let mut portable = got.clone();
            transpose(&rows, width, &mut got);
            loops::transpose(&rows, width, &mut portable, |x, y, sum| sum + x * y);
            prop_assert_eq!(&got, &portable);
            for (n, column) in got.chunks(across).enumerate() {
                let expected = rows.chunks(width).map(|row| row.as_flattened()[n]);
                prop_assert!(column.as_flattened().iter().copied().take(rows.len() / width).eq(expected));
            }
        }

        #[test]
        fn the_sigmoid_errs_by_less_than_it_says(x in -200.0f32..200.0) {
            let mut got = [x; 20];
            sigmoids(&mut got);
            let mut portable = [x];
            loops::sigmoids(&mut portable, |x, y, sum| sum + x * y);
            let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
            for got in got.into_iter().chain(portable) {
                prop_assert!((f64::from(got) - expected).abs() < 2e-7, "{got} for {expected}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_logarithm_errs_by_less_than_it_says(x in 0.0f32..1e6, small in 0.0f32..0.1, scale in 0.0f32..2000.0) {
            for x in [x, small, 0.0] {
                let mut got = [x; 20];
                logs(&mut got, scale);
                let mut portable = [x];
                loops::logs(&mut portable, scale, |x, y, sum| sum + x * y);
                // The sum has 24 significant bits: next to 1 they determine the error.
                let expected = (1.0 + f64::from(scale) * f64::from(x)).ln();
                for got in got.into_iter().chain(portable) {
                    prop_assert!((f64::from(got) - expected).abs() < 1e-6 * expected + 6e-8, "{got} for {expected}");
                }
            }
        }

        #[test]
        fn the_leaves_are_those_of_a_walk(
            values in prop::collection::vec(prop::collection::vec((-2i8..3).prop_map(f32::from), BLOCK), 0..4),
            trees in prop::collection::vec((
                prop::array::uniform3(0u32..4),
                prop::array::uniform3((-2i8..3).prop_map(f32::from)),
                prop::array::uniform4(-2.0f32..2.0),
            ), 0..9),
        ) {
            let values: Vec<[f32; BLOCK]> = values.into_iter().map(|of| of.try_into().unwrap()).collect();
            let trees: Vec<Branches> =
                trees.into_iter().map(|(inputs, from, adds)| Branches { inputs, from, adds }).collect();
            let (mut sums, mut portable) = ([1.0; BLOCK], [1.0; BLOCK]);
            add_leaves(&mut sums, &values, &trees);
            loops::add_leaves(&mut portable, &values, &trees, f32::mul_add);
            for lane in 0..BLOCK {
                let mut expected = 1.0;
                for tree in &trees {
                    let right = |split: usize| Some(values.get(tree.inputs[split] as usize)?[lane] >= tree.from[split]);
                    let (Some(root), Some(left), Some(right)) = (right(0), right(1), right(2)) else { continue };
                    expected += tree.adds[if root { 2 + usize::from(right) } else { usize::from(left) }];
                }
                prop_assert_eq!(sums[lane], expected);
                prop_assert_eq!(portable[lane], expected);
            }
        }
    }

    #[test]
    fn lengths_that_differ_are_cut_not_overrun() {
        assert_eq!(dot(&[1.0, 2.0], &[3.0]), 3.0);
        let mut y = [1.0];
        add_scaled(&mut y, 2.0, &[1.0, 5.0]);
        assert_eq!(y, [3.0]);
    }
}
