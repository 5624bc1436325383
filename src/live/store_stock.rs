use std::collections::HashMap;
use std::sync::Arc;

use trolley_model::{Ids, Item, Model, NumberSet, Stores};

/// The pushed stock of each store, as far as it is newer than that of the whole market: two bits for each store and
/// item with a record.
#[derive(Clone, Debug, Default)]
pub struct StoreStock {
    /// The items with a record in any store.
    items: Ids,
    stores: HashMap<String, StoreRecords>,
}

/// The stock records of one store, by the numbers of some list of items.
#[derive(Clone, Debug, Default)]
struct StoreRecords {
    /// The items in stock.
    available: NumberSet,
    /// The items out of stock.
    out: NumberSet,
}

impl StoreRecords {
    fn say(&mut self, item: u32, in_stock: Option<bool>) {
        for (set, value) in [(&mut self.available, true), (&mut self.out, false)] {
            set.grow(item as usize + 1);
            set.set(item, in_stock == Some(value));
        }
    }

    fn said(&self, item: u32) -> Option<bool> {
        if self.out.contains(item) {
            return Some(false);
        }
        self.available.contains(item).then_some(true)
    }
}

impl StoreStock {
    /// Sets the latest record of an item in a store; `None` removes it.
    pub fn say(&mut self, store: &str, item: &str, in_stock: Option<bool>) {
        // There are never too many items for their numbers: each was in the database under its own ID.
        let Ok(item) = self.items.intern(item) else { return };
        if let Some(words) = self.stores.get_mut(store) {
            words.say(item, in_stock);
        } else if in_stock.is_some() {
            self.stores.entry(store.to_owned()).or_default().say(item, in_stock);
        }
    }

    /// Removes the records of an item in all stores; returns the stores that had one.
    pub fn forget(&mut self, item: &str) -> Vec<String> {
        let Some(item) = self.items.position(item) else { return Vec::new() };
        let mut stores = Vec::new();
        for (store, words) in self.stores.iter_mut().filter(|(_, words)| words.said(item).is_some()) {
            words.say(item, None);
            stores.push(store.clone());
        }
        stores
    }

    /// What the latest record of an item in a store says, if it is newer than that of the whole market.
    pub fn said(&self, store: &str, item: &str) -> Option<bool> {
        self.stores.get(store)?.said(self.items.position(item)?)
    }

    /// True if no store has had a record.
    pub fn is_empty(&self) -> bool {
        self.stores.is_empty()
    }

    /// The same in the numbers of a model.
    pub(super) fn known_to(&self, model: &Model) -> KnownStock {
        let numbers: Vec<Option<Item>> = self.items.iter().map(|id| model.catalogue().position(id)).collect();
        let known = |set: &NumberSet| {
            let mut known = NumberSet::new(model.catalogue().items().len());
            set.iter().filter_map(|item| numbers[item as usize]).for_each(|item| known.set(item.0, true));
            known
        };
        let words = |(store, words): (&String, &StoreRecords)| {
            (store.clone(), Arc::new(StoreRecords { available: known(&words.available), out: known(&words.out) }))
        };
        KnownStock(self.stores.iter().map(words).collect())
    }
}

/// The stock records of the stores, in the numbers of a model.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownStock(HashMap<String, Arc<StoreRecords>>);

impl KnownStock {
    /// With changed records: only the stores that they concern are copied.
    pub(super) fn with<'a>(
        &self,
        model: &Model,
        pushed: &StoreStock,
        changes: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut next = self.clone();
        for (store, item) in changes {
            let Some(number) = model.catalogue().position(item) else { continue };
            let said = pushed.said(store, item);
            if let Some(words) = next.0.get_mut(store) {
                Arc::make_mut(words).say(number.0, said);
            } else if said.is_some() {
                Arc::make_mut(next.0.entry(store.to_owned()).or_default()).say(number.0, said);
            }
        }
        next
    }
}

/// The stock and assortment of a store, or of the whole market.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreView<'a> {
    pub(super) out_of_stock: &'a NumberSet,
    /// Items that were never bought but pushed as in stock for the whole market.
    pub(super) new_in_stock: &'a NumberSet,
    words: Option<&'a StoreRecords>,
    assortment: Option<(&'a Stores, u32)>,
}

impl<'a> StoreView<'a> {
    /// For the whole market, or one of its stores. A store that the model does not know sells every item.
    pub(super) fn new(
        model: &'a Model,
        stock: &'a KnownStock,
        [out_of_stock, new_in_stock]: [&'a NumberSet; 2],
        store: Option<&str>,
    ) -> Self {
        let words = store.and_then(|store| stock.0.get(store)).map(Arc::as_ref);
        let number = store.and_then(|store| model.stores().position(store));
        Self { out_of_stock, new_in_stock, words, assortment: number.map(|store| (model.stores(), store)) }
    }

    /// The number of the store, if the model knows it.
    pub(super) fn store(&self) -> Option<u32> {
        self.assortment.map(|(_, store)| store)
    }

    /// Whether an item is in stock.
    pub(super) fn is_in_stock(&self, item: Item) -> bool {
        match self.words.and_then(|words| words.said(item.0)) {
            Some(said) => said,
            None => !self.out_of_stock.contains(item.0),
        }
    }

    /// Whether the store sells an item at all.
    pub(super) fn sells(&self, item: Item) -> bool {
        let Some((stores, store)) = self.assortment else { return true };
        stores.sells(store, item)
            || self.new_in_stock.contains(item.0)
            || self.words.is_some_and(|words| words.said(item.0) == Some(true))
    }

    /// Whether an item is in stock and sold.
    pub(super) fn has(&self, item: Item) -> bool {
        self.is_in_stock(item) && self.sells(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_a_store_counts_until_the_market_has_a_later_one() {
        let mut stock = StoreStock::default();
        stock.say("12", "a", Some(false));
        stock.say("12", "b", Some(true));
        stock.say("13", "a", Some(true));
        let said =
            |stock: &StoreStock| [("12", "a"), ("12", "b"), ("13", "a"), ("14", "a")].map(|(s, i)| stock.said(s, i));
        assert_eq!(said(&stock), [Some(false), Some(true), Some(true), None]);
        stock.say("12", "a", Some(true));
        assert_eq!(stock.forget("b"), ["12"]);
        assert_eq!(said(&stock), [Some(true), None, Some(true), None]);
        stock.say("13", "a", None);
        assert_eq!(stock.said("13", "a"), None);
    }
}
