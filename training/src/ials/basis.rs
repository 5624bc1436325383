//! The basis of eigenvectors of the fixed side's Gram matrix, in which the part of the equations that all rows share is
//! diagonal. A change of both sides to this basis retains all inner products.

use nalgebra::{DMatrix, Dyn, SymmetricEigen};
use rayon::prelude::*;
use trolley_model::kernel::{LANES, add_products, add_scaled, transpose};

/// Number of rows per matrix product.
const BLOCK: usize = 64;

/// An orthonormal basis: the columns of a row-major `dims` × `dims` matrix.
pub(super) struct Basis {
    vectors: Vec<f32>,
    /// The eigenvalue of the Gram matrix for each vector.
    pub(super) eigenvalues: Vec<f32>,
}

impl Basis {
    /// The eigenvectors of `Σ y yᵀ` over all rows. Only the first `wanted` of the `dims` values of a row may differ
    /// from 0.
    pub(super) fn of(rows: &[f32], wanted: usize, dims: usize) -> Self {
        let gram = gram(rows, dims);
        let matrix = DMatrix::from_fn(wanted, wanted, |i, j| f64::from(gram[i * dims + j]));
        let mut basis = Self { vectors: vec![0.0; dims * dims], eigenvalues: vec![0.0; dims] };
        // The solver would never converge on values that are not finite. Models with such factors are refused.
        let finite = gram.iter().all(|number| number.is_finite());
        if !finite {
            basis.eigenvalues.fill(f32::NAN);
            return basis;
        }
        let found = SymmetricEigen::try_new(matrix.clone(), f64::EPSILON, 100 * dims)
            .filter(|found| found.eigenvectors.iter().chain(&found.eigenvalues).all(|number| number.is_finite()))
            .unwrap_or_else(|| by_rotations(matrix));
        for (at, (value, vector)) in found.eigenvalues.iter().zip(found.eigenvectors.column_iter()).enumerate() {
            // Eigenvalues are only negative by rounding.
            basis.eigenvalues[at] = value.max(0.0) as f32;
            basis.vectors[at..].iter_mut().step_by(dims).zip(&vector).for_each(|(to, from)| *to = *from as f32);
        }
        basis
    }

    /// Transforms rows into this basis.
    pub(super) fn turn(&self, rows: &mut [f32]) {
        let dims = self.eigenvalues.len();
        let vectors = self.vectors.as_chunks::<LANES>().0;
        rows.par_chunks_mut(BLOCK * dims).for_each_init(Vec::new, |before, rows| {
            before.clear();
            before.extend_from_slice(rows);
            rows.fill(0.0);
            add_products(rows.as_chunks_mut().0, before, vectors, dims / LANES);
        });
    }
}

/// The eigenvectors by Jacobi rotations (Golub and Van Loan, "Matrix Computations", section 8.5). They are slower, but
/// robust to directions that are 0 except for rounding, as in the factors of a small shop.
fn by_rotations(mut matrix: DMatrix<f64>) -> SymmetricEigen<f64, Dyn> {
    const SWEEPS: usize = 50;
    let size = matrix.nrows();
    let mut vectors = DMatrix::identity(size, size);
    let smallest = f64::EPSILON * matrix.amax();
    for _ in 0..SWEEPS {
        let mut is_diagonal = true;
        for p in 0..size {
            for q in p + 1..size {
                let beside = matrix[(p, q)];
                if beside.abs() <= smallest {
                    continue;
                }
                is_diagonal = false;
                let tau = (matrix[(q, q)] - matrix[(p, p)]) / (2.0 * beside);
                let tangent = tau.signum() / (tau.abs() + (1.0 + tau * tau).sqrt());
                let cosine = (1.0 + tangent * tangent).sqrt().recip();
                let sine = tangent * cosine;
                for k in 0..size {
                    let (a, b) = (matrix[(k, p)], matrix[(k, q)]);
                    (matrix[(k, p)], matrix[(k, q)]) = (cosine * a - sine * b, sine * a + cosine * b);
                }
                for k in 0..size {
                    let (a, b) = (matrix[(p, k)], matrix[(q, k)]);
                    (matrix[(p, k)], matrix[(q, k)]) = (cosine * a - sine * b, sine * a + cosine * b);
                    let (a, b) = (vectors[(k, p)], vectors[(k, q)]);
                    (vectors[(k, p)], vectors[(k, q)]) = (cosine * a - sine * b, sine * a + cosine * b);
                }
            }
        }
        if is_diagonal {
            break;
        }
    }
    SymmetricEigen { eigenvalues: matrix.diagonal(), eigenvectors: vectors }
}

/// `Σ y yᵀ` over all rows. It is summed in pieces of a fixed size, added in order, so that the result does not depend
/// on the number of threads.
fn gram(rows: &[f32], dims: usize) -> Vec<f32> {
    const PIECE: usize = 16 * BLOCK;
    let width = dims / LANES;
    let pieces: Vec<Vec<f32>> = rows
        .par_chunks(PIECE * dims)
        .map(|piece| {
            let mut sum = vec![0.0; dims * dims];
            let mut block = vec![[0.0; LANES]; BLOCK * width];
            let mut columns = vec![[0.0; LANES]; dims * BLOCK / LANES];
            for rows in piece.chunks(BLOCK * dims) {
                let (filled, rest) = block.as_flattened_mut().split_at_mut(rows.len());
                filled.copy_from_slice(rows);
                rest.fill(0.0);
                transpose(&block, width, &mut columns);
                add_products(sum.as_chunks_mut().0, columns.as_flattened(), &block, width);
            }
            sum
        })
        .collect();
    let mut gram = vec![0.0; dims * dims];
    for piece in pieces {
        add_scaled(&mut gram, 1.0, &piece);
    }
    gram
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows of `wanted` values, padded with zeros to `dims`.
    fn rows() -> impl Strategy<Value = (Vec<f32>, usize, usize)> {
        (1usize..40, 0usize..200).prop_flat_map(|(wanted, rows)| {
            let dims = wanted.next_multiple_of(LANES);
            prop::collection::vec(prop::collection::vec(-1.0f32..1.0, wanted), rows).prop_map(move |mut rows| {
                rows.iter_mut().for_each(|row| row.resize(dims, 0.0));
                (rows.concat(), wanted, dims)
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn in_its_own_basis_a_gram_matrix_is_a_diagonal_and_products_are_as_before((rows, wanted, dims) in rows()) {
            let basis = Basis::of(&rows, wanted, dims);
            let mut turned = rows.clone();
            basis.turn(&mut turned);
            let near = |a: f32, b: f32| (a - b).abs() < 1e-3 * (1.0 + a.abs().max(b.abs()));
            for (at, sum) in gram(&turned, dims).into_iter().enumerate() {
                let (i, j) = (at / dims, at % dims);
                prop_assert!(near(sum, if i == j { basis.eigenvalues[i] } else { 0.0 }), "{i} {j} {sum}");
            }
            let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
            for (before, after) in rows.chunks(dims).zip(turned.chunks(dims)) {
                prop_assert!(near(product(before, &rows[..dims]), product(after, &turned[..dims])));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn rotations_find_what_the_library_finds((rows, wanted, dims) in rows()) {
            let gram = gram(&rows, dims);
            let matrix = DMatrix::from_fn(wanted, wanted, |i, j| f64::from(gram[i * dims + j]));
            let sorted = |found: SymmetricEigen<f64, Dyn>| {
                let mut values: Vec<f64> = found.eigenvalues.iter().copied().collect();
                values.sort_unstable_by(f64::total_cmp);
                values
            };
            let found = by_rotations(matrix.clone());
            let again = &found.eigenvectors * DMatrix::from_diagonal(&found.eigenvalues) * found.eigenvectors.transpose();
            prop_assert!((again - &matrix).amax() <= 1e-9 * matrix.amax().max(1.0));
            let expected = sorted(SymmetricEigen::new(matrix));
            prop_assert!(sorted(found).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9 * (1.0 + b.abs())));
        }
    }

    #[test]
    fn what_is_not_finite_ends_and_is_seen() {
        assert!(Basis::of(&[f32::INFINITY; 32], 16, 16).eigenvalues.iter().all(|value| value.is_nan()));
    }
}
