//! Which of the last baskets a model has counted.

use crate::error::ModelError;

/// The baskets of the last days of a model's period, by hashes of their IDs. A shop that pushes its baskets needs them:
/// its data may end in the middle of a day, and some baskets of that day are counted already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentBaskets {
    /// The first day that they cover, in days since 1970-01-01.
    from: u16,
    /// The hashes, ascending.
    hashes: Vec<u64>,
}

impl RecentBaskets {
    /// Number of last days that they cover. A basket that is pushed later than this counts as known to the model.
    pub const DAYS: u16 = 14;

    /// The hash of a basket's ID: the first eight bytes of its BLAKE3 hash.
    pub fn hash(id: &str) -> u64 {
        let [first, ..] = *blake3::hash(id.as_bytes()).as_bytes().as_chunks::<8>().0 else { return 0 };
        u64::from_le_bytes(first)
    }

    /// The baskets from a day on, by the hashes of their IDs, in any order.
    pub fn new(from: u16, mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self { from, hashes }
    }

    /// As [`RecentBaskets::new`], for hashes that must be strictly ascending.
    ///
    /// # Errors
    /// If they are not.
    pub(crate) fn from_parts(from: u16, hashes: Vec<u64>) -> Result<Self, ModelError> {
        if hashes.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(ModelError::Order("the hashes of recent baskets are not ascending".into()));
        }
        Ok(Self { from, hashes })
    }

    /// Whether a model whose period ends before the day `end` has counted a basket, given the hash of its ID and its
    /// day.
    pub fn has_counted(&self, hash: u64, day: u16, end: u16) -> bool {
        day < end && (day < self.from || self.hashes.binary_search(&hash).is_ok())
    }

    /// The first day, and the hashes.
    pub(crate) fn parts(&self) -> (u16, &[u64]) {
        (self.from, &self.hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basket_of_the_last_days_counts_by_its_id_and_an_older_one_by_its_day() {
        let [seen, late] = ["receipt-1", "receipt-2"].map(RecentBaskets::hash);
        let recent = RecentBaskets::new(90, vec![seen]);
        assert!(recent.has_counted(seen, 99, 100) && !recent.has_counted(late, 99, 100));
        assert!(recent.has_counted(late, 89, 100), "older than the days that are covered");
        assert!(!recent.has_counted(seen, 100, 100), "after the end of the period");
    }
}
