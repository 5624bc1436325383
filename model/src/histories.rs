//! What each customer has bought: how often, how lately, at what cadence.

use crate::ids::Ids;
use crate::offsets::Offsets;

/// One item in a customer's history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ItemStats {
    /// The item's number.
    pub item: u32,
    /// In how many of the customer's baskets it was (at most 65,535).
    pub baskets: u16,
    /// Day of the first such basket, in days since 1970-01-01.
    pub first_day: u16,
    /// Day of the last one.
    pub last_day: u16,
    /// The same baskets, each counted as one half to the power of its age in half-lives.
    pub decayed: f32,
}

/// The habits of all customers, each customer's by rising item number.
#[derive(Clone, Debug, PartialEq)]
pub struct Histories {
    customers: Ids,
    rows: Offsets,
    columns: ItemStatsColumns,
    baskets: Vec<u32>,
    decayed_baskets: Vec<f32>,
    last: LastBaskets,
}

/// The last baskets of all customers, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct LastBaskets {
    /// Each customer's place in `day`.
    pub rows: Offsets,
    /// The day of each basket, in days since 1970-01-01.
    pub day: Vec<u16>,
    /// Each basket's place in `position`.
    pub basket_offsets: Offsets,
    /// Its items, by their positions in the customer's history, rising.
    pub position: Vec<u16>,
    /// The day after the last one of the period.
    pub end: u16,
}

/// One of a customer's last baskets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastBasket<'a> {
    /// How many days before the end of the period it was, from 0.
    pub age: f32,
    /// Its items, by their positions in [`Histories::items`], rising.
    pub positions: &'a [u16],
}

impl LastBaskets {
    fn check(&self, histories: &Offsets) -> Result<(), String> {
        if self.rows.len() != histories.len() || self.basket_offsets.len() != self.day.len() {
            return Err("the last baskets do not fit the customers or their days".into());
        }
        for customer in 0..self.rows.len() as u32 {
            let items = histories.range(customer).len();
            for basket in self.rows.range(customer) {
                let positions = &self.position[self.basket_offsets.range(basket as u32)];
                let rising = positions.windows(2).all(|pair| pair[0] < pair[1]);
                if !rising || positions.last().is_some_and(|&last| usize::from(last) >= items) {
                    return Err(format!("the last baskets of customer {customer} do not fit the history"));
                }
            }
        }
        Ok(())
    }
}

/// The fields of [`ItemStats`], one list each.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "as in `Habit`")]
pub struct ItemStatsColumns {
    pub item: Vec<u32>,
    pub baskets: Vec<u16>,
    pub first_day: Vec<u16>,
    pub last_day: Vec<u16>,
    pub decayed: Vec<f32>,
    /// How often the customer bought the item in a week in which it was on offer; or nothing, where no offers are known.
    pub taken_on_offer: Vec<f32>,
}

impl ItemStatsColumns {
    /// Adds a habit at the end.
    pub fn push(&mut self, stats: ItemStats) {
        self.item.push(stats.item);
        self.baskets.push(stats.baskets);
        self.first_day.push(stats.first_day);
        self.last_day.push(stats.last_day);
        self.decayed.push(stats.decayed);
    }

    fn get(&self, at: usize) -> ItemStats {
        ItemStats {
            item: self.item[at],
            baskets: self.baskets[at],
            first_day: self.first_day[at],
            last_day: self.last_day[at],
            decayed: self.decayed[at],
        }
    }
}

impl Histories {
    /// Puts the parts together and checks them against each other and the number of items in the catalogue.
    ///
    /// `bounds` are the row pointers into `columns`; `baskets` and `decayed_baskets` are per customer.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn new(
        customers: Ids,
        offsets: Vec<u64>,
        columns: ItemStatsColumns,
        baskets: Vec<u32>,
        decayed_baskets: Vec<f32>,
        last: LastBaskets,
        items: usize,
    ) -> Result<Self, String> {
        let habits = columns.item.len();
        if !columns.taken_on_offer.is_empty() && columns.taken_on_offer.len() != habits {
            return Err("the columns have different lengths".into());
        }
        let rows = Offsets::from_vec(offsets, habits).ok_or("the row bounds are not valid")?;
        let lengths = [columns.baskets.len(), columns.first_day.len(), columns.last_day.len(), columns.decayed.len()];
        if lengths.iter().any(|&length| length != habits) {
            return Err("the columns have different lengths".into());
        }
        for (what, length) in
            [("rows", rows.len()), ("baskets", baskets.len()), ("decayed_baskets", decayed_baskets.len())]
        {
            if length != customers.len() {
                return Err(format!("{what} has {length} entries for {} customers", customers.len()));
            }
        }
        for row in 0..rows.len() as u32 {
            let list = &columns.item[rows.range(row)];
            if list.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(format!("the items of customer {row} are not in rising order"));
            }
            if list.last().is_some_and(|&last| last as usize >= items) {
                return Err(format!("customer {row} has an item beyond the catalogue"));
            }
        }
        let taken = &columns.taken_on_offer;
        if columns.decayed.iter().chain(&decayed_baskets).chain(taken).any(|d| !d.is_finite() || *d < 0.0) {
            return Err("a decayed count or what was taken on offer is not a finite number from 0".into());
        }
        last.check(&rows)?;
        if columns.last_day.iter().chain(&last.day).any(|&day| day >= last.end) {
            return Err("a day lies beyond the end of the period".into());
        }
        Ok(Self { customers, rows, columns, baskets, decayed_baskets, last })
    }

    /// The customers' IDs.
    pub fn customers(&self) -> &Ids {
        &self.customers
    }

    /// The items that a customer has bought, rising.
    pub fn items(&self, customer: u32) -> &[u32] {
        &self.columns.item[self.rows.range(customer)]
    }

    /// A customer's habits, by rising item number.
    pub fn of(&self, customer: u32) -> impl ExactSizeIterator<Item = ItemStats> {
        self.rows.range(customer).map(|at| self.columns.get(at))
    }

    /// Those of a customer's items that they buy most and most lately, no more than `wanted` of those of which `counts` is
    /// true, in no order; of equals those with the lower number.
    pub fn most(&self, customer: u32, wanted: usize, counts: impl Fn(u32) -> bool) -> Vec<u32> {
        let decayed = &self.columns.decayed[self.rows.range(customer)];
        let items = self.items(customer).iter().zip(decayed).filter(|(item, _)| counts(**item));
        // One number for both: the bits of floats that are not negative rise as they do, and of equals the first item wins.
        let mut keys: Vec<u64> =
            items.map(|(&item, decayed)| u64::from(decayed.to_bits()) << 32 | u64::from(!item)).collect();
        if keys.len() > wanted {
            keys.select_nth_unstable_by_key(wanted, |&key| std::cmp::Reverse(key));
            keys.truncate(wanted);
        }
        keys.into_iter().map(|key| !(key as u32)).collect()
    }

    /// What a customer's history says of one item.
    pub fn stats(&self, customer: u32, item: u32) -> Option<ItemStats> {
        Some(self.at(customer, self.items(customer).binary_search(&item).ok()?))
    }

    /// The habit at a position of [`Histories::items`].
    pub(crate) fn at(&self, customer: u32, position: usize) -> ItemStats {
        self.columns.get(self.rows.range(customer).start + position)
    }

    /// How often the customer bought the item at a position of [`Histories::items`] in a week in which it was on offer; 0
    /// where no offers are known.
    pub(crate) fn taken_on_offer(&self, customer: u32, position: usize) -> f32 {
        let at = self.rows.range(customer).start + position;
        self.columns.taken_on_offer.get(at).copied().unwrap_or(0.0)
    }

    /// Number of the customer's baskets.
    pub fn baskets(&self, customer: u32) -> u32 {
        self.baskets[customer as usize]
    }

    /// The customer's baskets, each counted as one half to the power of its age in half-lives.
    pub fn decayed_baskets(&self, customer: u32) -> f32 {
        self.decayed_baskets[customer as usize]
    }

    /// The customer's last baskets, oldest first.
    pub fn last_baskets(&self, customer: u32) -> impl DoubleEndedIterator<Item = LastBasket<'_>> {
        self.last.rows.range(customer).map(|at| LastBasket {
            age: self.age(self.last.day[at]),
            positions: &self.last.position[self.last.basket_offsets.range(at as u32)],
        })
    }

    /// How many days before the end of the period a day was, from 0.
    pub fn age(&self, day: u16) -> f32 {
        f32::from(self.last.end.saturating_sub(1).saturating_sub(day))
    }

    /// The last baskets as they are stored.
    pub fn last(&self) -> &LastBaskets {
        &self.last
    }

    /// Number of stored habits in all.
    pub fn len(&self) -> usize {
        self.columns.item.len()
    }

    /// True if nobody bought anything.
    pub fn is_empty(&self) -> bool {
        self.columns.item.is_empty()
    }

    /// Bounds, columns, baskets and decayed baskets, as they are stored.
    pub fn parts(&self) -> (&[u64], &ItemStatsColumns, &[u32], &[f32]) {
        (self.rows.as_slice(), &self.columns, &self.baskets, &self.decayed_baskets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Texts;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_most_are_those_of_a_sorted_history(
            decayed in prop::collection::vec((0u8..5).prop_map(|n| f32::from(n) / 4.0), 0..40),
            wanted in 0usize..20,
            hidden in 0u32..40,
        ) {
            let mut columns = ItemStatsColumns::default();
            for (&decayed, item) in decayed.iter().zip(0..) {
                columns.push(ItemStats { item, baskets: 1, first_day: 1, last_day: 1, decayed });
            }
            let (mut texts, none) = (Texts::default(), Offsets::from_lengths([0]));
            texts.push("anna").unwrap();
            let last = LastBaskets { rows: none, day: vec![], basket_offsets: Offsets::from_lengths([]), position: vec![], end: 2 };
            let (customers, offsets) = (Ids::new(texts).unwrap(), vec![0, decayed.len() as u64]);
            let histories = Histories::new(customers, offsets, columns, vec![1], vec![1.0], last, 40).unwrap();
            let mut sorted: Vec<ItemStats> = histories.of(0).filter(|stats| stats.item != hidden).collect();
            sorted.sort_by(|a, b| b.decayed.total_cmp(&a.decayed).then(a.item.cmp(&b.item)));
            let mut expected: Vec<u32> = sorted.iter().take(wanted).map(|stats| stats.item).collect();
            let mut got = histories.most(0, wanted, |item| item != hidden);
            expected.sort_unstable();
            got.sort_unstable();
            prop_assert_eq!(got, expected);
        }
    }
}
