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
//! conjugate gradient from the row's last value solve it well enough (Takács et al. 2011).
//!
//! Inner products and lengths of rows are the same in any orthonormal basis. In the basis of G's eigenvectors, the part
//! of the matrix that does not depend on observed cells, `α0 G + λ reg I`, is diagonal. It is cheap to multiply by, and
//! as a preconditioner it makes two steps as good as three or more. Rows are independent, so the factors do not depend
//! on the number of threads.

mod basis;

use rayon::prelude::*;
use trolley_model::ials::{IalsConfig, RowSolver, weight};
use trolley_model::kernel::LANES;
use trolley_model::{Histories, Offsets, Vectors};

use self::basis::Basis;
use crate::progress::Progress;
use crate::random::Random;

/// Observed cells of the customer × item matrix, by row.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) rows: Offsets,
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
    // Rows are padded with zeros, which stay zero, to a multiple of the kernels' lanes.
    let mut item_factors = vec![0.0; items * dims];
    let scale = 0.1 / (wanted as f32).sqrt();
    for factor in item_factors.chunks_exact_mut(dims).flat_map(|row| &mut row[..wanted]) {
        *factor = (random.unit() + random.unit() - random.unit() - random.unit()) * scale;
    }
    let mut customer_factors = vec![0.0; histories.customers().len() * dims];
    progress.begin("customer factors", config.iterations as u64);
    for _ in 0..config.iterations {
        solve(&by_customer, &mut customer_factors, &mut item_factors, dims, config);
        solve(&by_item, &mut item_factors, &mut customer_factors, dims, config);
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
    for customer in histories.profiles() {
        let before = columns.len();
        for stats in customer.stats().filter(|stats| stats.item.index() < items) {
            columns.push(stats.item.0);
            weights.push(weight(stats.decayed, repeats));
        }
        lengths.push(columns.len() - before);
    }
    Observed { rows: Offsets::from_lengths(lengths), columns, weights }
}

fn transposed(matrix: &Observed, columns: usize) -> Observed {
    let mut lengths = vec![0usize; columns];
    matrix.columns.iter().for_each(|&column| lengths[column as usize] += 1);
    let rows = Offsets::from_lengths(lengths);
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

/// Solves all rows of one side, with the other one fixed. Both are then in another basis.
fn solve(observed: &Observed, factors: &mut [f32], fixed: &mut [f32], dims: usize, config: &IalsConfig) {
    let basis = Basis::of(fixed, config.dims.max(1), dims);
    basis.turn(fixed);
    basis.turn(factors);
    let fixed = &*fixed;
    factors.par_chunks_mut(dims).enumerate().for_each_init(
        || RowSolver::new(dims),
        |solver, (row, x)| {
            let range = observed.rows.range(row as u32);
            if range.is_empty() {
                return x.fill(0.0);
            }
            let (columns, weights) = (&observed.columns[range.clone()], &observed.weights[range]);
            let regularisation = config.regularisation_of(columns.len(), fixed.len() / dims);
            solver.set_diagonal(basis.eigenvalues.iter().map(|value| config.unobserved * value + regularisation));
            solver.improve(x, fixed, columns, weights, config.steps);
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trolley_model::kernel::{add_scaled, dot};

    const ITEMS: usize = 7;

    /// Rows of weighted cells, with `ITEMS` columns.
    fn cells() -> impl Strategy<Value = Observed> {
        let row = prop::collection::btree_map(0..ITEMS as u32, 0.5f32..5.0, 0..ITEMS);
        prop::collection::vec(row, 1..6).prop_map(|rows| Observed {
            rows: Offsets::from_lengths(rows.iter().map(std::collections::BTreeMap::len)),
            columns: rows.iter().flat_map(|row| row.keys().copied()).collect(),
            weights: rows.iter().flat_map(|row| row.values().copied()).collect(),
        })
    }

    fn padded(rows: &[[f32; 5]]) -> Vec<f32> {
        rows.iter().flat_map(|row| [&row[..], &[0.0; LANES - 5]].concat()).collect()
    }

    proptest! {
        #[test]
        fn another_basis_leaves_all_products_as_they_were(
            customers in prop::collection::vec(prop::array::uniform5(-1.0f32..1.0), 4),
            items in prop::collection::vec(prop::array::uniform5(-1.0f32..1.0), ITEMS),
        ) {
            let observed = Observed { rows: Offsets::from_lengths([1; 4]), columns: vec![0; 4], weights: vec![1.0; 4] };
            let (before, (mut customers, mut items)) = ((padded(&customers), padded(&items)), (padded(&customers), padded(&items)));
            solve(&observed, &mut customers, &mut items, LANES, &IalsConfig { dims: 5, steps: 0, ..IalsConfig::default() });
            for (x, then) in customers.chunks(LANES).zip(before.0.chunks(LANES)) {
                for (y, other) in items.chunks(LANES).zip(before.1.chunks(LANES)) {
                    prop_assert!((dot(x, y) - dot(then, other)).abs() < 1e-4);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn with_enough_steps_the_loss_has_no_slope(
            observed in cells(),
            factors in prop::collection::vec(prop::array::uniform5(-1.0f32..1.0), ITEMS),
            from in prop::collection::vec(prop::array::uniform5(-1.0f32..1.0), 6),
            (exponent, unobserved) in (0.0f32..1.0, 0.0f32..1.0),
            regularisation in prop_oneof![Just(0.0), 0.1f32..1.0],
        ) {
            let config = IalsConfig { dims: 5, steps: 20, unobserved, regularisation, exponent, ..IalsConfig::default() };
            let (mut items, mut customers) = (padded(&factors), padded(&from[..observed.rows.len()]));
            solve(&observed, &mut customers, &mut items, LANES, &config);
            for (row, x) in customers.chunks(LANES).enumerate() {
                let cells = observed.rows.range(row as u32);
                let share = (cells.len() as f32 + unobserved * ITEMS as f32).powf(exponent);
                let mut slope: Vec<f32> = x.iter().map(|x| regularisation * share * x).collect();
                for (item, y) in items.chunks(LANES).enumerate() {
                    let at = cells.clone().find(|&at| observed.columns[at] as usize == item);
                    let weight = at.map_or(0.0, |at| observed.weights[at]);
                    let product = dot(x, y);
                    add_scaled(&mut slope, weight * (product - 1.0) + unobserved * product, y);
                }
                if cells.is_empty() {
                    prop_assert!(x.iter().all(|&x| x == 0.0), "nothing is known of it");
                } else {
                    prop_assert!(slope.iter().all(|slope| slope.abs() < 2e-3), "{slope:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_factors_of_any_small_shop_are_numbers(observed in cells(), seed in 0u64..1000) {
            // Only a few of the 32 directions are used, and the others shrink with every iteration.
            let config = IalsConfig::default();
            let by_item = transposed(&observed, ITEMS);
            let mut random = Random::new(seed, &[4]);
            let mut items: Vec<f32> = (0..ITEMS * config.dims).map(|_| random.unit() - 0.5).collect();
            let mut customers = vec![0.0; observed.rows.len() * config.dims];
            for _ in 0..config.iterations {
                solve(&observed, &mut customers, &mut items, config.dims, &config);
                solve(&by_item, &mut items, &mut customers, config.dims, &config);
            }
            prop_assert!(items.iter().chain(&customers).all(|factor| factor.is_finite()));
        }
    }
}
