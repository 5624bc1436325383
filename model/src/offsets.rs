//! Rows of different lengths, stored end to end: compressed sparse rows (CSR).

use std::ops::Range;

/// Where each row begins and ends in the columns that belong to it (`indptr` of `SciPy`'s CSR matrices).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offsets(Vec<u64>);

impl Default for Offsets {
    /// No row.
    fn default() -> Self {
        Self::from_lengths([])
    }
}

impl Offsets {
    /// From the length of each row.
    pub fn from_lengths(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut offsets = vec![0];
        let mut end = 0;
        offsets.extend(lengths.into_iter().map(|length| {
            end += length as u64;
            end
        }));
        Self(offsets)
    }

    /// From stored offsets: `rows + 1` numbers, from 0 to `values`, never decreasing. `None` if invalid.
    pub fn from_vec(offsets: Vec<u64>, values: usize) -> Option<Self> {
        let fine = offsets.first() == Some(&0)
            && offsets.last() == Some(&(values as u64))
            && offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        fine.then_some(Self(offsets))
    }

    /// The offsets as stored.
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }

    /// The range of one row.
    pub fn range(&self, row: u32) -> Range<usize> {
        self.0[row as usize] as usize..self.0[row as usize + 1] as usize
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.0.len() - 1
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_must_begin_at_zero_never_fall_and_end_with_the_values() {
        assert_eq!(Offsets::from_lengths([2, 0, 1]), Offsets::from_vec(vec![0, 2, 2, 3], 3).unwrap());
        assert_eq!(Offsets::from_lengths([2, 0, 1]).range(2), 2..3);
        for (offsets, values) in [(vec![], 0), (vec![1, 2], 2), (vec![0, 3, 2], 2), (vec![0, 2], 3), (vec![0, 9], 3)] {
            assert!(Offsets::from_vec(offsets.clone(), values).is_none(), "{offsets:?}");
        }
    }
}
