//! The assortments of a market's stores.

use crate::error::ModelError;
use crate::ids::Ids;
use crate::item::Item;
use crate::number_set::NumberSet;
use crate::offsets::Offsets;

/// The stores and their recent sales; empty if the tables have no stores.
///
/// A store sells what it has sold recently. Any other item is missing from its assortment only if no store has sold it,
/// or if enough baskets with it would be expected of the store: nothing follows from low counts in a store with few
/// visits, or in a table without all receipts. Memory per store: six bytes per item that it has sold, and one bit per
/// item of the market.
#[derive(Clone, Debug, Default)]
pub struct Stores {
    ids: Ids,
    rows: Offsets,
    item: Vec<Item>,
    baskets: Vec<u16>,
    totals: Vec<u32>,
    /// Number of expected baskets from which an item without sales is not in the assortment.
    expected: f32,
    /// Number of baskets with each item, over all stores.
    all: Vec<u32>,
    /// Number of baskets of all stores.
    all_baskets: u64,
    /// The items that each store sells.
    assortments: Vec<NumberSet>,
}

/// Maximum number of bits for the assortments of all stores: 1 GiB.
const MOST_BITS: u64 = 1 << 33;

impl Stores {
    /// Restores stored columns: for each store the items sold recently, ascending, the number of its baskets with each,
    /// and the number of all its baskets. `expected` is the number of expected baskets from which an item without sales
    /// is not in the assortment.
    ///
    /// # Errors
    /// An error that describes the mismatch.
    pub fn new(
        ids: Ids,
        offsets: Vec<u64>,
        item: Vec<Item>,
        baskets: Vec<u16>,
        totals: Vec<u32>,
        expected: f32,
        items: usize,
    ) -> Result<Self, ModelError> {
        let rows = Offsets::from_vec(offsets, item.len())
            .ok_or_else(|| ModelError::Order("the bounds of the stores are not valid".into()))?;
        if rows.len() != ids.len() || totals.len() != ids.len() || baskets.len() != item.len() {
            return Err(ModelError::Length(format!(
                "{} rows and {} counts of baskets for {} stores",
                rows.len(),
                totals.len(),
                ids.len()
            )));
        }
        if !(expected.is_finite() && expected >= 0.0) {
            return Err(ModelError::Number("the baskets that are expected of a store are no number from 0".into()));
        }
        if (ids.len() as u64).saturating_mul(items as u64) > MOST_BITS {
            return Err(ModelError::Length(format!("{} stores of {items} items are too many", ids.len())));
        }
        let all_baskets: u64 = totals.iter().map(|&total| u64::from(total)).sum();
        let mut all = vec![0u32; items];
        for store in 0..ids.len() as u32 {
            let sold = &item[rows.range(store)];
            if sold.windows(2).any(|pair| pair[0] >= pair[1]) || sold.last().is_some_and(|&last| last.index() >= items)
            {
                return Err(ModelError::Order(format!(
                    "the items of store number {store} are not rising, or beyond the {items} there are"
                )));
            }
            for at in rows.range(store) {
                let all = &mut all[item[at].index()];
                *all = all.saturating_add(u32::from(baskets[at]));
            }
        }
        let mut stores = Self { ids, rows, item, baskets, totals, expected, all, all_baskets, assortments: Vec::new() };
        stores.assortments = (0..stores.ids.len() as u32).map(|store| stores.assortment(store)).collect();
        Ok(stores)
    }

    fn assortment(&self, store: u32) -> NumberSet {
        let mut assortment = NumberSet::new(self.all.len());
        let share = f64::from(self.totals[store as usize]) / self.all_baskets.max(1) as f64;
        for (item, &all) in (0u32..).zip(&self.all) {
            assortment.set(item, all > 0 && f64::from(all) * share < f64::from(self.expected));
        }
        self.item[self.rows.range(store)].iter().for_each(|&item| assortment.set(item.0, true));
        assortment
    }

    /// The stores' IDs.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// The number of a store; `None` for a store without recent sales.
    pub fn position(&self, id: &str) -> Option<u32> {
        self.ids.position(id)
    }

    /// Whether a store sells an item.
    pub fn sells(&self, store: u32, item: Item) -> bool {
        self.assortments[store as usize].contains(item.0)
    }

    /// Number of a store's baskets with an item.
    pub fn baskets(&self, store: u32, item: Item) -> u16 {
        let range = self.rows.range(store);
        self.item[range.clone()].binary_search(&item).map_or(0, |at| self.baskets[range.start + at])
    }

    /// The share of a store's baskets that hold an item, shrunk with `prior` baskets towards the share over all stores,
    /// and that share itself.
    pub(crate) fn shares(&self, store: u32, item: Item, prior: f32) -> [f32; 2] {
        let usual = self.all[item.index()] as f32 / self.all_baskets.max(1) as f32;
        let baskets = f32::from(self.baskets(store, item)) + prior * usual;
        [baskets / (self.totals[store as usize] as f32 + prior), usual]
    }

    /// Number of expected baskets from which an item without sales is not in the assortment.
    pub fn expected(&self) -> f32 {
        self.expected
    }

    /// The columns, as stored: offsets, items, baskets and totals.
    pub fn columns(&self) -> (&[u64], &[Item], &[u16], &[u32]) {
        (self.rows.as_slice(), &self.item, &self.baskets, &self.totals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores(offsets: &[u64], items: &[u32]) -> Result<Stores, ModelError> {
        let mut ids = Ids::default();
        ids.intern("north").unwrap();
        ids.intern("south").unwrap();
        let items: Vec<Item> = items.iter().copied().map(Item).collect();
        Stores::new(ids, offsets.to_vec(), items.clone(), vec![7; items.len()], vec![10, 20], 0.0, 5)
    }

    #[test]
    fn a_store_sells_what_it_sold() {
        let stores = stores(&[0, 2, 3], &[1, 4, 0]).unwrap();
        let south = stores.position("south").unwrap();
        let sold = |store| (0..5).filter(|&item| stores.sells(store, Item(item))).collect::<Vec<_>>();
        assert_eq!((sold(0), sold(south)), (vec![1, 4], vec![0]));
        assert_eq!((stores.baskets(0, Item(4)), stores.baskets(0, Item(0))), (7, 0));
        assert_eq!(stores.position("west"), None);
    }

    #[test]
    fn nothing_follows_from_what_is_rarely_bought() {
        let mut ids = Ids::default();
        ids.intern("large").unwrap();
        ids.intern("small").unwrap();
        // Item 0 is in twelve baskets, item 1 in two, all of the large store, which has nine baskets in ten. No store
        // sells item 2.
        let of = |expected| {
            Stores::new(ids.clone(), vec![0, 2, 2], vec![Item(0), Item(1)], vec![12, 2], vec![90, 10], expected, 3)
                .unwrap()
        };
        let sold = |expected| (0..3).filter(|&item| of(expected).sells(1, Item(item))).collect::<Vec<_>>();
        assert_eq!((sold(0.0), sold(1.0), sold(2.0)), (vec![], vec![1], vec![0, 1]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(stores(&[0, 2, 3], &[4, 1, 0]).is_err(), "not rising");
        assert!(stores(&[0, 2, 3], &[1, 5, 0]).is_err(), "beyond the items");
        assert!(stores(&[0, 3], &[1, 4, 0]).is_err() && stores(&[0, 2, 9], &[1, 4, 0]).is_err());
    }
}
