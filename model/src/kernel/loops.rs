//! The portable loops of the kernels. Each is compiled several times with the features of its caller and the caller's
//! multiply-add: `fma(x, y, sum)` is x · y + sum.
#![expect(clippy::inline_always, reason = "must be compiled with the features of the caller")]

use super::{BLOCK, Branches, LANES, fetch};
use crate::item::Item;

/// Added to a number below 2^22, the last bits of the sum are the rounded number.
const ROUND: f32 = 12_582_912.0;

/// Number of rows between a prefetch and its use.
const AHEAD: usize = 8;

/// Rows processed together: their additions are independent, and each loaded chunk is used several times. With two
/// chunks per row, all sums stay in registers.
const ROWS: usize = 2;

#[inline(always)]
pub(super) fn transpose(
    rows: &[[f32; LANES]],
    width: usize,
    out: &mut [[f32; LANES]],
    _fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    let across = (rows.len() / width).div_ceil(LANES);
    let (out, _) = out.as_flattened_mut().as_chunks_mut::<4>();
    // Four rows at a time: one write for four floats.
    for (at, four) in rows.chunks(4 * width).enumerate() {
        let out = out[at..].chunks_mut(across * LANES / 4);
        let last = four.len() / width - 1;
        let row = |n: usize| four[n.min(last) * width..][..width].as_flattened();
        for ((((&a, &b), &c), &d), out) in row(0).iter().zip(row(1)).zip(row(2)).zip(row(3)).zip(out) {
            out[0] = [a, b, c, d];
        }
    }
}

#[inline(always)]
pub(super) fn add_products(
    y: &mut [[f32; LANES]],
    weights: &[f32],
    b: &[[f32; LANES]],
    width: usize,
    fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    let columns = b.len() / width;
    let (y_blocks, y_rest) = y.split_at_mut(y.len() / (ROWS * width) * (ROWS * width));
    let (w_blocks, w_rest) = weights.split_at(y_blocks.len() / width * columns);
    for (y, weights) in y_blocks.chunks_exact_mut(ROWS * width).zip(w_blocks.chunks_exact(ROWS * columns)) {
        let (first, second) = weights.split_at(columns);
        add_rows(y, || first.iter().zip(second).map(|(&first, &second)| [first, second]), b, width, fma);
    }
    for (y, weights) in y_rest.chunks_exact_mut(width).zip(w_rest.chunks_exact(columns)) {
        add_rows(y, || weights.iter().map(|&weight| [weight]), b, width, fma);
    }
}

/// [`add_products`] for `N` rows, two chunks at a time.
#[inline(always)]
fn add_rows<const N: usize, I: Iterator<Item = [f32; N]>>(
    y: &mut [[f32; LANES]],
    weights: impl Fn() -> I,
    b: &[[f32; LANES]],
    width: usize,
    fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    for at in (1..width).step_by(2) {
        add_chunks::<N, 2>(y, weights(), b, width, at - 1, fma);
    }
    if !width.is_multiple_of(2) {
        add_chunks::<N, 1>(y, weights(), b, width, width - 1, fma);
    }
}

/// The same for `CHUNKS` chunks from `at` on.
#[inline(always)]
fn add_chunks<const N: usize, const CHUNKS: usize>(
    y: &mut [[f32; LANES]],
    weights: impl Iterator<Item = [f32; N]>,
    b: &[[f32; LANES]],
    width: usize,
    at: usize,
    fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    let mut sums = [[[0.0f32; LANES]; CHUNKS]; N];
    for (sums, y) in sums.iter_mut().zip(y.chunks_exact(width)) {
        sums.copy_from_slice(&y[at..][..CHUNKS]);
    }
    for (b, weights) in b.chunks_exact(width).zip(weights) {
        // No panic in this loop, otherwise the sums would be stored in each iteration.
        let Some(b) = b.get(at..).and_then(<[_]>::first_chunk::<CHUNKS>) else { return };
        for n in 0..N {
            for chunk in 0..CHUNKS {
                for lane in 0..LANES {
                    sums[n][chunk][lane] = fma(weights[n], b[chunk][lane], sums[n][chunk][lane]);
                }
            }
        }
    }
    for (sums, y) in sums.iter().zip(y.chunks_exact_mut(width)) {
        y[at..][..CHUNKS].copy_from_slice(sums);
    }
}

#[inline(always)]
pub(super) fn sigmoids(values: &mut [f32], fma: impl Fn(f32, f32, f32) -> f32 + Copy) {
    for value in values {
        // exp(-x) = 2^t = 2^whole · 2^part: the first by writing the exponent, the second by its Taylor series.
        let t = (*value * -std::f32::consts::LOG2_E).clamp(-126.0, 126.0);
        let shifted = t + ROUND;
        let part = t - (shifted - ROUND);
        let whole = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
        let terms =
            [1.540_353e-4, 1.333_355_8e-3, 9.618_129e-3, 5.550_411e-2, 0.240_226_5, std::f32::consts::LN_2, 1.0];
        let power = terms.iter().fold(0.0, |power, &term| fma(power, part, term));
        *value = 1.0 / fma(power, whole, 1.0);
    }
}

#[inline(always)]
pub(super) fn logs(values: &mut [f32], scale: f32, fma: impl Fn(f32, f32, f32) -> f32 + Copy) {
    for value in values {
        // 1 + scale · x = 2^whole · part, the part between √½ and √2; and ln(part) = 2 artanh((part - 1) / (part + 1)),
        // by its series.
        let bits = fma(scale, *value, 1.0).to_bits();
        let whole = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits()).cast_signed() >> 23;
        let part = f32::from_bits(bits.wrapping_sub((whole << 23).cast_unsigned()));
        let x = (part - 1.0) / (part + 1.0);
        let square = x * x;
        let terms = [2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0, 2.0];
        let series = terms.iter().fold(0.0, |series, &term| fma(series, square, term));
        *value = fma(whole as f32, std::f32::consts::LN_2, series * x);
    }
}

#[inline(always)]
pub(super) fn add_leaves(
    sums: &mut [f32; BLOCK],
    values: &[[f32; BLOCK]],
    trees: &[Branches],
    _fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    let mut kept = *sums;
    for &Branches { inputs, from: [at_root, on_left, on_right], adds: [low, below, above, high] } in trees {
        let [root, left, right] = inputs.map(|input| values.get(input as usize));
        let (Some(root), Some(left), Some(right)) = (root, left, right) else { continue };
        // Both sides are computed, which avoids branches and allows vector instructions.
        for lane in 0..BLOCK {
            let on_the_left = if left[lane] >= on_left { below } else { low };
            let on_the_right = if right[lane] >= on_right { high } else { above };
            kept[lane] += if root[lane] >= at_root { on_the_right } else { on_the_left };
        }
    }
    *sums = kept;
}

#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32], fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let sums = dot_lanes(a_chunks, b_chunks, &fma);
    let mut rest = 0.0;
    for (a, b) in a_rest.iter().zip(b_rest) {
        rest = fma(*a, *b, rest);
    }
    fold(sums) + rest
}

#[inline(always)]
pub(super) fn dots(
    table: &[f32],
    items: &[Item],
    query: &[f32],
    out: &mut [f32],
    fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    let dims = query.len();
    // For lengths known at compile time, the query stays in registers.
    if dims.is_multiple_of(LANES) {
        match dims / LANES {
            1 => return dots_of::<1>(table, items, query, out, fma),
            2 => return dots_of::<2>(table, items, query, out, fma),
            4 => return dots_of::<4>(table, items, query, out, fma),
            8 => return dots_of::<8>(table, items, query, out, fma),
            _ => {}
        }
    }
    let row = |item: &Item| table.get(item.index() * dims..(item.index() + 1) * dims);
    for (at, (now, out)) in items.iter().zip(out).enumerate() {
        if let Some(next) = items.get(at + AHEAD).and_then(row) {
            fetch(next);
        }
        // Not `map_or`: a closure is not compiled with the features of this function.
        *out = if let Some(row) = row(now) { dot(row, query, fma) } else { 0.0 };
    }
}

#[inline(always)]
fn dots_of<const WIDTH: usize>(
    table: &[f32],
    items: &[Item],
    query: &[f32],
    out: &mut [f32],
    fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    let (table, query) = (in_chunks::<WIDTH>(table), in_chunks::<WIDTH>(query));
    let [query, ..] = query else { return };
    for (at, (item, out)) in items.iter().zip(out).enumerate() {
        fetch_ahead(table, items.get(at.wrapping_add(AHEAD)).map(|item| item.index()));
        *out = if let Some(row) = table.get(item.index()) { fold(dot_lanes(row, query, fma)) } else { 0.0 };
    }
}

/// Rows of `WIDTH` chunks.
fn in_chunks<const WIDTH: usize>(table: &[f32]) -> &[[[f32; LANES]; WIDTH]] {
    table.as_chunks().0.as_chunks().0
}

/// Prefetches the row that is needed [`AHEAD`] rows later, if there is one.
#[inline(always)]
fn fetch_ahead<const WIDTH: usize>(table: &[[[f32; LANES]; WIDTH]], next: Option<usize>) {
    if let Some(next) = next.and_then(|row| table.get(row)) {
        fetch(next.as_flattened());
    }
}

/// The inner product of two rows, per lane.
#[inline(always)]
fn dot_lanes(a: &[[f32; LANES]], b: &[[f32; LANES]], fma: impl Fn(f32, f32, f32) -> f32) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] = fma(a[lane], b[lane], sums[lane]);
        }
    }
    sums
}

#[inline(always)]
pub(super) fn add_errors(
    table: &[f32],
    rows: &[u32],
    weights: &[f32],
    target: f32,
    v: &[f32],
    out: &mut [f32],
    fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    // For lengths known at compile time, the sums stay in registers.
    match v.len() / LANES {
        1 => add_errors_of::<1>(table, rows, weights, target, v, out, fma),
        2 => add_errors_of::<2>(table, rows, weights, target, v, out, fma),
        4 => add_errors_of::<4>(table, rows, weights, target, v, out, fma),
        8 => add_errors_of::<8>(table, rows, weights, target, v, out, fma),
        _ => {
            for (&row, &weight) in rows.iter().zip(weights) {
                let Some(y) = table.get(row as usize * v.len()..(row as usize + 1) * v.len()) else { continue };
                let scale = weight * (target - dot(y, v, fma));
                for (out, y) in out.iter_mut().zip(y) {
                    *out = fma(scale, *y, *out);
                }
            }
        }
    }
}

#[inline(always)]
fn add_errors_of<const WIDTH: usize>(
    table: &[f32],
    rows: &[u32],
    weights: &[f32],
    target: f32,
    v: &[f32],
    out: &mut [f32],
    fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    let (table, v, out) =
        (in_chunks::<WIDTH>(table), in_chunks::<WIDTH>(v), out.as_chunks_mut::<LANES>().0.as_chunks_mut::<WIDTH>().0);
    let ([v, ..], [out, ..]) = (v, out) else { return };
    let mut sums = *out;
    let observed = rows.len().min(weights.len());
    let (rows, weights) = (&rows[..observed], &weights[..observed]);
    for at in 0..observed {
        fetch_ahead(table, rows.get(at.wrapping_add(AHEAD)).map(|&row| row as usize));
        let Some(y) = table.get(rows[at] as usize) else { continue };
        let scale = weights[at] * (target - fold(dot_lanes(y, v, fma)));
        for chunk in 0..WIDTH {
            for lane in 0..LANES {
                sums[chunk][lane] = fma(scale, y[chunk][lane], sums[chunk][lane]);
            }
        }
    }
    *out = sums;
}

/// The sum of all lanes, by halves: the order in which a vector register is reduced.
#[inline(always)]
fn fold(sums: [f32; LANES]) -> f32 {
    // Without the black box the compiler works on two lanes at a time from the beginning: at least twice as slow.
    let mut sums = std::hint::black_box(sums);
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}
