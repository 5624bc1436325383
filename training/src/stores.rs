//! The recent assortment of each store.

use trolley_model::{Catalogue, Ids, Item, ModelError, Stores};

use crate::config::TrainingConfig;
use crate::input::Transactions;

/// The stores with a basket in the last `assortment_days` of the first `until` baskets, by ID, with the items that they
/// sold.
///
/// # Errors
/// If there are too many.
pub(crate) fn stores(
    transactions: &Transactions,
    until: usize,
    catalogue: &Catalogue,
    config: &TrainingConfig,
) -> Result<Stores, ModelError> {
    let end = transactions.baskets[..until].last().map_or(0, |basket| basket.day + 1);
    let from = transactions.before(end.saturating_sub(config.assortment_days)).min(until);
    let mut totals = vec![0u32; transactions.stores.len()];
    let mut sold: Vec<(u32, Item)> = Vec::new();
    let numbers: Vec<Option<Item>> = transactions.items.iter().map(|id| catalogue.position(id)).collect();
    for (basket, store) in (from..until).filter_map(|basket| Some((basket, transactions.store_of(basket)?))) {
        totals[store as usize] += 1;
        let items = transactions.items_of(basket).iter().filter_map(|&item| numbers[item as usize]);
        sold.extend(items.map(|item| (store, item)));
    }
    sold.sort_unstable();
    let (mut ids, mut offsets, mut item, mut baskets) = (Ids::default(), vec![0], Vec::new(), Vec::new());
    for store in (0..totals.len() as u32).filter(|&store| totals[store as usize] > 0) {
        ids.intern(transactions.stores.get(store))?;
        let [start, end] = [store, store + 1].map(|store| sold.partition_point(|&(other, _)| other < store));
        for same in sold[start..end].chunk_by(|a, b| a == b) {
            item.push(same[0].1);
            baskets.push(u16::try_from(same.len()).unwrap_or(u16::MAX));
        }
        offsets.push(item.len() as u64);
    }
    totals.retain(|&total| total > 0);
    Stores::new(ids, offsets, item, baskets, totals, config.assortment_expected, catalogue.items().len())
}
