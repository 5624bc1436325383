use std::collections::HashMap;
use std::sync::Arc;

use trolley_model::{Ids, Model, NumberSet, Stores};

/// What was pushed about the stock of each store, as far as it is newer than what was pushed for the whole market: two bits
/// per store and item that anything was pushed about.
#[derive(Clone, Debug, Default)]
pub struct StoreStock {
    /// The items that were pushed for any store.
    items: Ids,
    stores: HashMap<String, Words>,
}

/// What one store was told, by the numbers of some list of items.
#[derive(Clone, Debug, Default)]
struct Words {
    /// The items that can be had.
    available: NumberSet,
    /// The items that cannot.
    out: NumberSet,
}

impl Words {
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
    /// Takes in the last word on an item in a store; `None` for none.
    pub fn say(&mut self, store: &str, item: &str, in_stock: Option<bool>) {
        // There are never more items than fit: each was in the database under its own ID.
        let Ok(item) = self.items.intern(item) else { return };
        if let Some(words) = self.stores.get_mut(store) {
            words.say(item, in_stock);
        } else if in_stock.is_some() {
            self.stores.entry(store.to_owned()).or_default().say(item, in_stock);
        }
    }

    /// Forgets what was said of an item in all stores, and names those of which anything was.
    pub fn forget(&mut self, item: &str) -> Vec<String> {
        let Some(item) = self.items.position(item) else { return Vec::new() };
        let mut stores = Vec::new();
        for (store, words) in self.stores.iter_mut().filter(|(_, words)| words.said(item).is_some()) {
            words.say(item, None);
            stores.push(store.clone());
        }
        stores
    }

    /// The last word on an item in a store that is newer than that on the whole market.
    pub fn said(&self, store: &str, item: &str) -> Option<bool> {
        self.stores.get(store)?.said(self.items.position(item)?)
    }

    /// True if nothing was said of any store.
    pub fn is_empty(&self) -> bool {
        self.stores.is_empty()
    }

    /// The same in the numbers of a model.
    pub(super) fn known_to(&self, model: &Model) -> KnownStock {
        let numbers: Vec<Option<u32>> = self.items.iter().map(|id| model.catalogue().items().position(id)).collect();
        let known = |set: &NumberSet| {
            let mut known = NumberSet::new(model.catalogue().items().len());
            set.iter().filter_map(|item| numbers[item as usize]).for_each(|item| known.set(item, true));
            known
        };
        let words = |(store, words): (&String, &Words)| {
            (store.clone(), Arc::new(Words { available: known(&words.available), out: known(&words.out) }))
        };
        KnownStock(self.stores.iter().map(words).collect())
    }
}

/// What stores were told, in the numbers of a model.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownStock(HashMap<String, Arc<Words>>);

impl KnownStock {
    /// The same after what some stores have been told: only what these hold is copied.
    pub(super) fn with<'a>(
        &self,
        model: &Model,
        pushed: &StoreStock,
        changes: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut next = self.clone();
        for (store, item) in changes {
            let Some(number) = model.catalogue().items().position(item) else { continue };
            let said = pushed.said(store, item);
            if let Some(words) = next.0.get_mut(store) {
                Arc::make_mut(words).say(number, said);
            } else if said.is_some() {
                Arc::make_mut(next.0.entry(store.to_owned()).or_default()).say(number, said);
            }
        }
        next
    }
}

/// What can be had where a question is asked from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) out_of_stock: &'a NumberSet,
    /// Items that nobody has bought yet, and that the whole market was told are in stock.
    pub(super) new_in_stock: &'a NumberSet,
    words: Option<&'a Words>,
    assortment: Option<(&'a Stores, u32)>,
}

impl<'a> Place<'a> {
    /// The whole market, or a store of it. Of one that the model does not know it is not known what it sells.
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

    /// Whether the stock allows an item to be shown.
    pub(super) fn is_in_stock(&self, item: u32) -> bool {
        match self.words.and_then(|words| words.said(item)) {
            Some(said) => said,
            None => !self.out_of_stock.contains(item),
        }
    }

    /// Whether the store sells an item at all.
    pub(super) fn sells(&self, item: u32) -> bool {
        let Some((stores, store)) = self.assortment else { return true };
        stores.sells(store, item)
            || self.new_in_stock.contains(item)
            || self.words.is_some_and(|words| words.said(item) == Some(true))
    }

    /// Both.
    pub(super) fn has(&self, item: u32) -> bool {
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
