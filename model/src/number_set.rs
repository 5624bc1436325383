//! Sets of numbers of items or customers.

/// A set of numbers below a bound, one bit each.
#[derive(Clone, Debug, Default)]
pub struct NumberSet(Vec<u64>);

impl NumberSet {
    /// An empty set of numbers below `bound`.
    pub fn new(bound: usize) -> Self {
        Self(vec![0; bound.div_ceil(64)])
    }

    /// Adds or removes a number; one beyond the bound is ignored.
    pub fn set(&mut self, number: u32, member: bool) {
        let bit = 1 << (number % 64);
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            if member {
                *word |= bit;
            } else {
                *word &= !bit;
            }
        }
    }

    /// Raises the bound.
    pub fn grow(&mut self, bound: usize) {
        let words = bound.div_ceil(64);
        if words > self.0.len() {
            self.0.resize(words, 0);
        }
    }

    /// Adds a number; true if it was not in the set. One beyond the bound is ignored.
    pub fn insert(&mut self, number: u32) -> bool {
        let is_new = (number as usize) < 64 * self.0.len() && !self.contains(number);
        self.set(number, true);
        is_new
    }

    /// Whether a number is in the set.
    pub fn contains(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// True if the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().zip(0u32..).flat_map(|(&word, at)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(64 * at + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in() {
        let mut set = NumberSet::new(100);
        assert!(set.is_empty());
        for number in [64, 0, 63, 99, 64] {
            set.set(number, true);
        }
        set.set(63, false);
        set.set(5000, true);
        assert_eq!((0..6000).filter(|&number| set.contains(number)).collect::<Vec<_>>(), [0, 64, 99]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 64, 99]);
        assert_eq!((set.len(), set.is_empty()), (3, false));
        assert_eq!([set.insert(64), set.insert(65), set.insert(65), set.insert(5000)], [false, true, false, false]);
    }
}
