//! Row solver of implicit matrix factorisation (iALS): training solves all customers and items, fold-in solves
//! customers that the model does not have.
//!
//! The loss is that of Hu, Koren and Volinsky (2008) as written by Rendle et al. (2021, "iALS++", equation 2 ff.);
//! [`IalsConfig`] names its parameters. With the items' factors y fixed, a customer's row x solves `(α0 G + Σ w y yᵀ +
//! λ reg I) x = Σ w y`, where G = Σ y yᵀ over all items and the other sums are over the observed ones. A few steps of
//! conjugate gradient approximate the solution (Takács et al. 2011).

use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::kernel::{LANES, add_errors, add_scaled, dot};
use crate::vectors::Vectors;

/// Parameters of iALS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IalsConfig {
    /// Number of dimensions of the factors.
    pub dims: usize,
    /// Number of alternations: both sides are solved in each.
    pub iterations: usize,
    /// Conjugate gradient steps per row.
    pub steps: usize,
    /// Weight of unobserved pairs, α0.
    pub unobserved: f32,
    /// Weight of repeated purchases, α.
    pub repeats: f32,
    /// Strength of the regularisation, λ.
    pub regularisation: f32,
    /// Exponent of the frequency scaling of the regularisation, ν.
    pub exponent: f32,
}

impl IalsConfig {
    /// The regularisation of a row with `observed` observed cells out of `columns`: λ (observed + α0 columns)^ν.
    pub fn regularisation_of(&self, observed: usize, columns: usize) -> f32 {
        self.regularisation * (observed as f32 + self.unobserved * columns as f32).powf(self.exponent)
    }
}

impl Default for IalsConfig {
    fn default() -> Self {
        Self { dims: 32, iterations: 10, steps: 2, unobserved: 1.0, repeats: 10.0, regularisation: 5.0, exponent: 0.0 }
    }
}

/// The weight of an observed cell, `1 + α ln(1 + decayed count)`; `repeats` is α.
pub fn weight(decayed: f32, repeats: f32) -> f32 {
    1.0 + repeats * decayed.ln_1p()
}

/// Smallest divisor of the preconditioner, as a share of the largest diagonal entry.
const LEAST: f32 = 1e-4;

/// Solves rows one at a time; all buffers have the length of a row.
#[derive(Clone, Debug)]
pub struct RowSolver {
    /// The diagonal of the part of the matrix that does not depend on the row's observed cells.
    diagonal: Vec<f32>,
    /// The off-diagonal entries of that part, row-major; empty if they are zero, as in the basis of G's eigenvectors.
    beside: Vec<f32>,
    /// The preconditioner: the inverse of each diagonal entry.
    inverse: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
}

impl RowSolver {
    /// A solver for rows of length `dims`, a multiple of [`LANES`].
    pub fn new(dims: usize) -> Self {
        let zeros = || vec![0.0; dims];
        Self {
            diagonal: zeros(),
            beside: Vec::new(),
            inverse: zeros(),
            residual: zeros(),
            direction: zeros(),
            image: zeros(),
        }
    }

    /// Sets the diagonal of `α0 G + λ reg I`.
    pub fn set_diagonal(&mut self, diagonal: impl Iterator<Item = f32>) {
        self.diagonal.iter_mut().zip(diagonal).for_each(|(to, value)| *to = value);
        // With little regularisation some entries are almost zero, and steps along them would be huge.
        let largest = self.diagonal.iter().copied().fold(0.0, f32::max);
        let least = if largest > 0.0 { LEAST * largest } else { 1.0 };
        self.inverse.iter_mut().zip(&self.diagonal).for_each(|(to, value)| *to = 1.0 / value.max(least));
    }

    /// Conjugate gradient steps, preconditioned by the diagonal, from `x` towards the solution of `(α0 G + λ reg I + Σ
    /// w y yᵀ) x = Σ w y`. `fixed` has the rows y, `columns` the observed ones, `weights` their w.
    pub fn improve(&mut self, x: &mut [f32], fixed: &[f32], columns: &[u32], weights: &[f32], steps: usize) {
        let Self { diagonal, beside, inverse, residual, direction, image } = self;
        // Signs are chosen so that each sum over observed cells is one of errors: 1 - x · y here, 0 - x · y below.
        times(residual, -1.0, diagonal, x);
        subtract_products(residual, beside, x);
        add_errors(fixed, columns, weights, 1.0, x, residual);
        times(direction, 1.0, inverse, residual);
        let mut error = dot(residual, direction);
        for left in (0..steps).rev() {
            if error < 1e-12 {
                return;
            }
            times(image, -1.0, diagonal, direction);
            subtract_products(image, beside, direction);
            add_errors(fixed, columns, weights, 0.0, direction, image);
            let length = -error / dot(direction, image);
            add_scaled(x, length, direction);
            if left == 0 {
                return;
            }
            add_scaled(residual, length, image);
            times(image, 1.0, inverse, residual);
            let next = dot(residual, image);
            let turn = next / error;
            error = next;
            direction.iter_mut().zip(&*image).for_each(|(d, z)| *d = *z + turn * *d);
        }
    }
}

/// `out = scale · a · b`, element by element.
fn times(out: &mut [f32], scale: f32, a: &[f32], b: &[f32]) {
    out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = scale * a * b);
}

/// Subtracts the product of a matrix with `out.len()` rows and a vector. An empty matrix counts as zeros.
fn subtract_products(out: &mut [f32], matrix: &[f32], vector: &[f32]) {
    out.iter_mut().zip(matrix.chunks_exact(vector.len())).for_each(|(out, row)| *out -= dot(row, vector));
}

/// Fold-in: the factors of a customer that the model does not have, or not as of now, with the items' factors fixed.
#[derive(Clone, Debug)]
pub struct FoldIn {
    config: IalsConfig,
    /// Number of dimensions, and the same padded to a multiple of [`LANES`].
    dims: [usize; 2],
    /// The items' factors.
    items: Vec<f32>,
    /// `Σ y yᵀ` over all items.
    gram: Vec<f32>,
}

/// Conjugate gradient steps for a new row, which starts at zero.
const STEPS: usize = 20;

impl FoldIn {
    /// For the item factors of a model trained with `config`.
    pub fn new(item_factors: &Vectors, config: &IalsConfig) -> Self {
        let dims = item_factors.dims();
        let padded = dims.next_multiple_of(LANES);
        let mut items = vec![0.0; item_factors.len() * padded];
        let mut gram = vec![0.0; padded * padded];
        for (item, row) in (0u32..).zip(items.chunks_exact_mut(padded)) {
            let unit = item_factors.unit(item).iter();
            row.iter_mut().zip(unit).for_each(|(to, from)| *to = from * item_factors.norm(item));
            for (at, &number) in row.iter().enumerate() {
                add_scaled(&mut gram[at * padded..][..padded], number, row);
            }
        }
        Self { config: config.clone(), dims: [dims, padded], items, gram }
    }

    /// The factors of a customer with these items, each with its decayed count; items without factors are ignored. One
    /// row, zeros if no item has factors.
    pub fn factors(&self, bought: impl Iterator<Item = (Item, f32)>) -> Vectors {
        let [dims, padded] = self.dims;
        let all = self.items.len() / padded;
        let bought = bought.filter(|(item, _)| item.index() < all);
        let (columns, weights): (Vec<u32>, Vec<f32>) =
            bought.map(|(item, decayed)| (item.0, weight(decayed, self.config.repeats))).unzip();
        let mut row = vec![0.0; padded];
        if !columns.is_empty() {
            let regularisation = self.config.regularisation_of(columns.len(), all);
            let mut solver = RowSolver::new(padded);
            let diagonal = self.gram.iter().step_by(padded + 1);
            solver.set_diagonal(diagonal.map(|value| self.config.unobserved * value + regularisation));
            solver.beside = self.gram.iter().map(|value| self.config.unobserved * value).collect();
            solver.beside.iter_mut().step_by(padded + 1).for_each(|value| *value = 0.0);
            solver.improve(&mut row, &self.items, &columns, &weights, STEPS);
        }
        row.truncate(dims);
        Vectors::from_rows(dims, row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ITEMS: usize = 7;

    proptest! {
        #[test]
        fn folded_in_factors_have_the_least_loss(
            items in prop::collection::vec(prop::array::uniform5(-1.0f32..1.0), ITEMS),
            bought in prop::collection::btree_map(0..ITEMS as u32, 0.1f32..5.0, 1..ITEMS),
            (exponent, unobserved) in (0.0f32..1.0, 0.0f32..1.0),
            regularisation in 0.1f32..1.0,
        ) {
            let config = IalsConfig { dims: 5, unobserved, regularisation, exponent, ..IalsConfig::default() };
            let factors = Vectors::from_rows(5, items.concat());
            let counts = bought.iter().map(|(&item, &decayed)| (Item(item), decayed));
            let folded = FoldIn::new(&factors, &config).factors(counts);
            let x: Vec<f32> = folded.unit(0).iter().map(|x| x * folded.norm(0)).collect();
            let regularisation = config.regularisation_of(bought.len(), ITEMS);
            let mut slope: Vec<f32> = x.iter().map(|x| regularisation * x).collect();
            for (item, y) in (0u32..).zip(&items) {
                let product: f32 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                let observed = bought.get(&item).map_or(0.0, |&decayed| weight(decayed, config.repeats) * (product - 1.0));
                slope.iter_mut().zip(y).for_each(|(slope, y)| *slope += (observed + unobserved * product) * y);
            }
            prop_assert!(slope.iter().all(|slope| slope.abs() < 5e-3), "{slope:?}");
        }
    }

    #[test]
    fn who_bought_nothing_that_is_known_has_no_factors() {
        let factors = Vectors::from_rows(2, vec![1.0, 0.0, 0.0, 1.0]);
        let fold_in = FoldIn::new(&factors, &IalsConfig::default());
        for bought in [vec![], vec![(Item(2), 1.0), (Item(9), 3.0)]] {
            let folded = fold_in.factors(bought.into_iter());
            assert_eq!((folded.len(), folded.dims(), folded.unit(0)), (1, 2, &[0.0, 0.0][..]));
        }
    }
}
