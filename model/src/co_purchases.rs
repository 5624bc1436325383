//! Co-purchase counts: which items were bought in the same baskets, and how often.

use std::marker::PhantomData;
use std::ops::Range;

use crate::category::Category;
use crate::error::{LARGEST, ModelError};
use crate::item::Item;
use crate::offsets::Offsets;

/// What [`CoPurchases`] counts: items or categories.
pub trait Number: Copy + Ord {
    /// The number in the model.
    fn number(self) -> u32;
}

impl Number for Item {
    #[inline]
    fn number(self) -> u32 {
        self.0
    }
}

impl Number for Category {
    #[inline]
    fn number(self) -> u32 {
        self.0
    }
}

/// The strongest partners of the first items of the catalogue, for each item by ascending partner number; likewise of
/// categories.
#[derive(Clone, Debug, PartialEq)]
pub struct CoPurchases<Of = Item, With = Item> {
    rows: Offsets,
    partner: Vec<With>,
    baskets: Vec<u32>,
    weight: Vec<f32>,
    /// The smallest count of each row that may be truncated; 0 for complete rows.
    least: Vec<u32>,
    of: PhantomData<Of>,
}

/// One partner of an item or of a category.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partner<With = Item> {
    /// The partner.
    pub item: With,
    /// Number of baskets with both.
    pub baskets: u32,
    /// The same with weight 1/√(n-1) for a basket of n items: the larger the basket, the less it says about a pair.
    pub weight: f32,
}

/// Closeness of an item in `baskets` baskets to another with `together` common baskets: their cosine, with the common
/// count reduced by one standard error, and without the constant factor of the other item.
pub fn closeness(together: u32, baskets: u32) -> f32 {
    let together = together as f32;
    (together - together.sqrt()) / (baskets.max(1) as f32).sqrt()
}

impl<Of: Number, With: Number> CoPurchases<Of, With> {
    /// From the partners of each item, in any order.
    pub fn new(lists: impl IntoIterator<Item = Vec<Partner<With>>>) -> Self {
        let (mut partner, mut baskets, mut weight, mut lengths) = (vec![], vec![], vec![], vec![]);
        for mut list in lists {
            list.sort_unstable_by_key(|p| p.item);
            lengths.push(list.len());
            for p in list {
                partner.push(p.item);
                baskets.push(p.baskets);
                weight.push(p.weight);
            }
        }
        Self::of_columns(Offsets::from_lengths(lengths), partner, baskets, weight)
    }

    fn of_columns(rows: Offsets, partner: Vec<With>, baskets: Vec<u32>, weight: Vec<f32>) -> Self {
        let ranges = || (0..rows.len() as u32).map(|row| rows.range(row));
        // Training truncates rows at one length, the longest; two thirds of the entries have the highest counts.
        let longest = ranges().map(|range| range.len()).max().unwrap_or(0);
        let least = |range: Range<usize>| {
            if range.len() < longest {
                return 0;
            }
            let mut counts = baskets[range].to_vec();
            // `None` only if all rows are empty.
            let last = (longest - longest / 3).checked_sub(1);
            last.map_or(0, |last| *counts.select_nth_unstable_by_key(last, |&count| std::cmp::Reverse(count)).1)
        };
        let least = ranges().map(least).collect();
        Self { rows, partner, baskets, weight, least, of: PhantomData }
    }

    /// Restores stored counts and checks them against the number of items in the catalogue.
    ///
    /// # Errors
    /// An error that describes the mismatch.
    pub fn from_parts(
        offsets: Vec<u64>,
        partner: Vec<With>,
        baskets: Vec<u32>,
        weight: Vec<f32>,
        items: usize,
    ) -> Result<Self, ModelError> {
        let rows = Offsets::from_vec(offsets, partner.len())
            .ok_or_else(|| ModelError::Order("the row bounds are not valid".into()))?;
        if baskets.len() != partner.len() || weight.len() != partner.len() {
            return Err(ModelError::Length("the columns have different lengths".into()));
        }
        if rows.len() > items {
            return Err(ModelError::Length(format!("{} rows for {items} items", rows.len())));
        }
        for row in 0..rows.len() as u32 {
            let list = &partner[rows.range(row)];
            // Counted without an early exit, so that the compiler vectorises the loop.
            if list.windows(2).filter(|pair| pair[0] >= pair[1]).count() > 0 {
                return Err(ModelError::Order(format!("the partners of item {row} are not in rising order")));
            }
            if list.last().is_some_and(|&last| last.number() as usize >= items) {
                return Err(ModelError::Range(format!("item {row} has a partner beyond the catalogue")));
            }
        }
        if weight.iter().filter(|weight| !(0.0..=LARGEST).contains(*weight)).count() > 0 {
            return Err(ModelError::Number("a weight is not a number from 0, or too large".into()));
        }
        Ok(Self::of_columns(rows, partner, baskets, weight))
    }

    /// Number of items with a list, possibly empty.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if no item has a list.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of stored partners in all.
    pub fn pairs(&self) -> usize {
        self.partner.len()
    }

    /// The partners' item numbers, ascending; none for an item beyond the table.
    pub fn partners(&self, item: Of) -> &[With] {
        &self.partner[self.range(item)]
    }

    /// The partners of an item with their counts, by ascending item number.
    pub fn of(&self, item: Of) -> impl Iterator<Item = Partner<With>> {
        self.range(item).map(|at| Partner {
            item: self.partner[at],
            baskets: self.baskets[at],
            weight: self.weight[at],
        })
    }

    /// The counts of a pair, if `other` is stored as a partner of `item`.
    pub fn pair(&self, item: Of, other: With) -> Option<Partner<With>> {
        Some(self.nth(item, self.partners(item).binary_search(&other).ok()?))
    }

    /// The counts of an item's partner at a position of [`CoPurchases::partners`].
    pub(crate) fn nth(&self, item: Of, position: usize) -> Partner<With> {
        let at = self.rows.range(item.number()).start + position;
        Partner { item: self.partner[at], baskets: self.baskets[at], weight: self.weight[at] }
    }

    /// Offsets, partners, baskets and weights, as stored.
    pub fn columns(&self) -> (&[u64], &[With], &[u32], &[f32]) {
        (self.rows.as_slice(), &self.partner, &self.baskets, &self.weight)
    }

    /// The range of a row; empty beyond the table.
    fn range(&self, item: Of) -> Range<usize> {
        let row = item.number();
        if (row as usize) < self.rows.len() { self.rows.range(row) } else { 0..0 }
    }
}

impl CoPurchases {
    /// Upper bound of the number of baskets with both items; exact if the pair is stored.
    pub fn at_most(&self, item: Item, other: Item) -> u32 {
        let least = |item: Item| self.least.get(item.index()).copied().unwrap_or(0);
        self.either(item, other).map_or_else(|| least(item).min(least(other)), |pair| pair.baskets)
    }

    /// The counts of a pair, if it is stored for either of the two.
    pub fn either(&self, item: Item, other: Item) -> Option<Partner> {
        self.pair(item, other).or_else(|| self.pair(other, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_is_not_kept_was_together_no_oftener_than_what_is() {
        let row = |counts: &[(u32, u32)]| -> Vec<Partner> {
            counts.iter().map(|&(item, baskets)| Partner { item: Item(item), baskets, weight: 1.0 }).collect()
        };
        // Truncated at three: two by count, and a third by closeness. The second row is complete.
        let table: CoPurchases = CoPurchases::new([
            row(&[(1, 9), (2, 7), (3, 2)]),
            row(&[(0, 9)]),
            row(&[(0, 7), (3, 5), (4, 4)]),
            row(&[(0, 2), (2, 5), (5, 4)]),
            row(&[(2, 4), (3, 3), (5, 3)]),
        ]);
        let at_most = |item, other| table.at_most(Item(item), Item(other));
        assert_eq!((at_most(0, 3), at_most(3, 0)), (2, 2), "kept in both");
        assert_eq!(at_most(5, 3), 4, "kept in one");
        assert_eq!(at_most(0, 4), 3, "7 by the one, 3 by the other");
        assert_eq!(at_most(1, 2), 0, "all partners of the one are kept");
        assert_eq!(at_most(0, 9), 0, "beyond the table");
    }
}
