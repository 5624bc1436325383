//! A table of vectors, one row per item or customer.

use crate::error::LARGEST;
use crate::item::Item;
use crate::kernel::{dot, dots};

/// `rows × dims` floats, stored as unit rows and their norms: the form in which finalfusion stores them, so that a
/// model scores the same before it is written and after it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    dims: usize,
    unit: Vec<f32>,
    norms: Vec<f32>,
}

impl Vectors {
    /// Normalises each row of a row-major matrix; a row of zeros has norm 0.
    ///
    /// `values.len()` must be a multiple of `dims`; an incomplete last row is dropped.
    pub fn from_rows(dims: usize, mut values: Vec<f32>) -> Self {
        let dims = dims.max(1);
        values.truncate(values.len() / dims * dims);
        let norms = values
            .chunks_exact_mut(dims)
            .map(|row| {
                let norm = dot(row, row).sqrt();
                if norm > 0.0 {
                    row.iter_mut().for_each(|x| *x /= norm);
                } else {
                    // A row too short to normalise becomes zeros; a NaN stays and is refused later.
                    row.iter_mut().for_each(|x| *x *= 0.0);
                }
                norm
            })
            .collect();
        Self { dims, unit: values, norms }
    }

    /// Restores stored vectors; `None` if the lengths do not match.
    pub fn from_parts(dims: usize, unit: Vec<f32>, norms: Vec<f32>) -> Option<Self> {
        (dims > 0 && norms.len().checked_mul(dims) == Some(unit.len())).then_some(Self { dims, unit, norms })
    }

    /// True if every row is a unit vector with a norm above 0, or all zeros with norm 0; no NaN passes.
    pub fn is_sound(&self) -> bool {
        self.norms.iter().zip(self.unit.chunks_exact(self.dims)).all(|(&norm, row)| {
            let length = dot(row, row);
            let unit = norm <= LARGEST && norm > 0.0 && (length - 1.0).abs() < 1e-4;
            unit || (norm == 0.0 && length == 0.0)
        })
    }

    /// Length of each vector.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.norms.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.norms.is_empty()
    }

    /// The unit vector of a row; zeros where the norm is 0.
    pub fn unit(&self, row: u32) -> &[f32] {
        let at = row as usize * self.dims;
        &self.unit[at..at + self.dims]
    }

    /// The norm of the row before it was normalised.
    pub fn norm(&self, row: u32) -> f32 {
        self.norms[row as usize]
    }

    /// All unit rows, row-major.
    pub fn units(&self) -> &[f32] {
        &self.unit
    }

    /// All norms.
    pub fn norms(&self) -> &[f32] {
        &self.norms
    }

    /// Adds `weight` times the row at its original length to `sum`.
    pub fn add_row(&self, row: u32, weight: f32, sum: &mut [f32]) {
        crate::kernel::add_scaled(sum, weight * self.norm(row), self.unit(row));
    }

    /// Inner product of `query` with the row at its original length.
    pub fn dot(&self, row: u32, query: &[f32]) -> f32 {
        self.norm(row) * dot(self.unit(row), query)
    }

    /// Inner products of `query` with the rows of items at their original length; 0 for rows beyond the table.
    pub(crate) fn dots(&self, items: &[Item], query: &[f32], out: &mut [f32]) {
        self.cosines(items, query, out);
        let norms = items.iter().map(|&item| self.norms.get(item.index()).copied().unwrap_or(0.0));
        out.iter_mut().zip(norms).for_each(|(out, norm)| *out *= norm);
    }

    /// Inner products with unit rows of items: cosines, if `query` is a unit vector. 0 for all if the lengths differ.
    pub(crate) fn cosines(&self, items: &[Item], query: &[f32], out: &mut [f32]) {
        if query.len() == self.dims {
            dots(&self.unit, items, query, out);
        } else {
            out.fill(0.0);
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers have exact results")]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_direction_and_length() {
        let vectors = Vectors::from_rows(2, vec![3.0, 4.0, 0.0, 0.0]);
        assert_eq!(vectors.unit(0), [0.6, 0.8]);
        assert_eq!(vectors.norm(0), 5.0);
        assert_eq!((vectors.unit(1), vectors.norm(1)), (&[0.0, 0.0][..], 0.0));
        assert!((vectors.dot(0, &[1.0, 1.0]) - 7.0).abs() < 1e-6);
        assert!(Vectors::from_parts(2, vec![1.0; 3], vec![1.0]).is_none());
    }
}
