//! The two vector kernels under training and scoring: `dot` and `add_scaled`.
//!
//! This is the only module with `unsafe`. Each kernel is one plain loop, compiled twice: for any processor, and for
//! AVX2 with fused multiply-add, chosen at run time. Both lengths are checked before, so the interface is safe.
//! `benches/kernel.rs` measures what the second copy earns; the tests hold both against the naive loop.
#![expect(unsafe_code, reason = "calling a function compiled for a processor feature that was just detected")]

/// Floats summed side by side; also fixes the order of summation, and so the result on one kind of processor.
const LANES: usize = 16;

/// The inner product of two vectors of the same length; of the shorter one, if they differ.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    #[cfg(target_arch = "x86_64")]
    if has_avx2_fma() {
        // SAFETY: the processor has just been found to have the features that the copy was compiled for.
        return unsafe { dot_avx2(a, b) };
    }
    dot_loop(a, b, |x, y, sum| sum + x * y)
}

/// `y += scale * x`, element by element, over the shorter length.
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

#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx2_fma() -> bool {
    // Both are cached after the first call; one relaxed load each.
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    dot_loop(a, b, f32::mul_add)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_scaled_avx2(y: &mut [f32], scale: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = scale.mul_add(*x, *y);
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled with the features of its caller")]
fn dot_loop(a: &[f32], b: &[f32], fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] = fma(a[lane], b[lane], sums[lane]);
        }
    }
    let mut rest = 0.0;
    for (a, b) in a_rest.iter().zip(b_rest) {
        rest = fma(*a, *b, rest);
    }
    // Halving sums is the order in which a vector register is folded.
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0] + rest
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
            let portable = dot_loop(&a, &b, |x, y, sum| sum + x * y);
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

    #[test]
    fn lengths_that_differ_are_cut_not_overrun() {
        assert_eq!(dot(&[1.0, 2.0], &[3.0]), 3.0);
        let mut y = [1.0];
        add_scaled(&mut y, 2.0, &[1.0, 5.0]);
        assert_eq!(y, [3.0]);
    }
}
