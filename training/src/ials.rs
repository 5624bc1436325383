//! Implicit-feedback matrix factorisation by alternating least squares.
//!
//! The loss is that of Rendle et al. (2021, "iALS++", equation 2 ff., after Hu, Koren and Volinsky 2008):
//!
//! ```text
//!   sum over observed (c, i)  w(c,i) (x_c · y_i - 1)²  +  α0 sum over all (c, i) (x_c · y_i)²
//!     + λ ( sum over c  reg(c) |x_c|² + sum over i  reg(i) |y_i|² )
//! ```
//!
//! with `w = 1 + α ln(1 + decayed count)` and `reg(c) = (observed(c) + α0 items)^ν`. With one side fixed, each row of
//! the other solves `(α0 G + Σ w y yᵀ + λ reg I) x = Σ w y`, where G is the fixed side's Gram matrix. A few steps of
//! conjugate gradient from the row's last value solve it well enough (Takács et al. 2011). Rows don't see each other,
//! so any number of threads gives the same factors.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trolley_model::kernel::{LANES, add_scaled, add_squares, dot, dots};
use trolley_model::{Histories, Rows, Vectors};

use crate::progress::Progress;
use crate::random::Random;

/// How the factors are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IalsConfig {
    /// Length of the factors.
    pub dims: usize,
    /// Times that both sides are solved.
    pub iterations: usize,
    /// Steps of conjugate gradient per row.
    pub steps: usize,
    /// Weight of the pairs that were not observed, α0.
    pub unobserved: f32,
    /// How much repeated purchases count, α.
    pub repeats: f32,
    /// Strength of the regularisation, λ.
    pub regularisation: f32,
    /// How the regularisation grows with what was observed, ν.
    pub exponent: f32,
}

impl Default for IalsConfig {
    fn default() -> Self {
        Self { dims: 32, iterations: 10, steps: 3, unobserved: 1.0, repeats: 10.0, regularisation: 5.0, exponent: 0.0 }
    }
}

/// Observed cells of the customer × item matrix, by row.
pub(crate) struct Observed {
    pub(crate) rows: Rows,
    pub(crate) columns: Vec<u32>,
    pub(crate) weights: Vec<f32>,
}

/// The factors of the first `items` items and of all customers.
pub(crate) fn ials(
    histories: &Histories,
    items: usize,
    config: &IalsConfig,
    seed: u64,
    progress: &dyn Progress,
) -> (Vectors, Vectors) {
    let (wanted, dims) = (config.dims.max(1), config.dims.max(1).next_multiple_of(LANES));
    let by_customer = observed(histories, items, config.repeats);
    let by_item = transposed(&by_customer, items);
    let mut random = Random::new(seed, &[4]);
    // Rows are filled up with zeros, which stay zeros, to what the kernels take at a time.
    let mut item_factors = vec![0.0; items * dims];
    let scale = 0.1 / (wanted as f32).sqrt();
    for factor in item_factors.chunks_exact_mut(dims).flat_map(|row| &mut row[..wanted]) {
        *factor = (random.unit() + random.unit() - random.unit() - random.unit()) * scale;
    }
    let mut customer_factors = vec![0.0; histories.customers().len() * dims];
    progress.begin("customer factors", config.iterations as u64);
    for _ in 0..config.iterations {
        solve(&by_customer, &mut customer_factors, &item_factors, dims, config);
        solve(&by_item, &mut item_factors, &customer_factors, dims, config);
        progress.advance(1);
    }
    progress.end();
    let cut = |factors: Vec<f32>| {
        let rows = factors.chunks_exact(dims).flat_map(|row| &row[..wanted]);
        Vectors::from_rows(wanted, if wanted == dims { factors } else { rows.copied().collect() })
    };
    (cut(item_factors), cut(customer_factors))
}

pub(crate) fn observed(histories: &Histories, items: usize, repeats: f32) -> Observed {
    let (mut columns, mut weights, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for customer in 0..histories.customers().len() as u32 {
        let before = columns.len();
        for habit in histories.of(customer).filter(|habit| (habit.item as usize) < items) {
            columns.push(habit.item);
            weights.push(1.0 + repeats * habit.decayed.ln_1p());
        }
        lengths.push(columns.len() - before);
    }
    Observed { rows: Rows::from_lengths(lengths), columns, weights }
}

fn transposed(matrix: &Observed, columns: usize) -> Observed {
    let mut lengths = vec![0usize; columns];
    matrix.columns.iter().for_each(|&column| lengths[column as usize] += 1);
    let rows = Rows::from_lengths(lengths);
    let mut next: Vec<usize> = (0..columns as u32).map(|row| rows.range(row).start).collect();
    let mut transposed =
        Observed { rows, columns: vec![0; matrix.columns.len()], weights: vec![0.0; matrix.weights.len()] };
    for row in 0..matrix.rows.len() as u32 {
        for at in matrix.rows.range(row) {
            let place = &mut next[matrix.columns[at] as usize];
            transposed.columns[*place] = row;
            transposed.weights[*place] = matrix.weights[at];
            *place += 1;
        }
    }
    transposed
}

/// Solves all rows of one side, the other being fixed.
fn solve(observed: &Observed, factors: &mut [f32], fixed: &[f32], dims: usize, config: &IalsConfig) {
    let gram = gram(fixed, dims, config.unobserved);
    let fixed_rows = (fixed.len() / dims) as f32;
    let every: Vec<u32> = (0..dims as u32).collect();
    factors.par_chunks_mut(dims).enumerate().for_each(|(row, x)| {
        let range = observed.rows.range(row as u32);
        let (columns, weights) = (&observed.columns[range.clone()], &observed.weights[range]);
        if columns.is_empty() {
            x.fill(0.0);
            return;
        }
        let regularisation =
            config.regularisation * (columns.len() as f32 + config.unobserved * fixed_rows).powf(config.exponent);
        let row_of = |column: u32| &fixed[column as usize * dims..(column as usize + 1) * dims];
        let apply = |v: &[f32], out: &mut [f32]| {
            dots(&gram, &every, v, out);
            add_scaled(out, regularisation, v);
            add_squares(fixed, columns, weights, v, out);
        };
        let mut residual = vec![0.0; dims];
        let mut image = vec![0.0; dims];
        for (&column, &weight) in columns.iter().zip(weights) {
            add_scaled(&mut residual, weight, row_of(column));
        }
        apply(x, &mut image);
        add_scaled(&mut residual, -1.0, &image);
        let mut direction = residual.clone();
        let mut error = dot(&residual, &residual);
        for _ in 0..config.steps {
            if error < 1e-12 {
                break;
            }
            apply(&direction, &mut image);
            let length = error / dot(&direction, &image);
            add_scaled(x, length, &direction);
            add_scaled(&mut residual, -length, &image);
            let next = dot(&residual, &residual);
            let turn = next / error;
            error = next;
            direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + turn * *d);
        }
    });
}

/// `scale · Σ y yᵀ` over all rows. Summed in pieces of a fixed size, added up in order.
fn gram(rows: &[f32], dims: usize, scale: f32) -> Vec<f32> {
    const PIECE: usize = 1024;
    let pieces: Vec<Vec<f32>> = rows
        .par_chunks(PIECE * dims)
        .map(|piece| {
            let mut sum = vec![0.0; dims * dims];
            for y in piece.chunks_exact(dims) {
                for (&value, sum) in y.iter().zip(sum.chunks_exact_mut(dims)) {
                    add_scaled(sum, value, y);
                }
            }
            sum
        })
        .collect();
    let mut gram = vec![0.0; dims * dims];
    for piece in pieces {
        add_scaled(&mut gram, scale, &piece);
    }
    gram
}
