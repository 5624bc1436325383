use std::collections::HashMap;

use trolley_model::{Model, NumberSet};

/// What was pushed about the stock of a market. An item that nothing was said about is in stock.
#[derive(Clone, Debug, Default)]
pub struct Stock(HashMap<String, Known>);

/// The last word on an item.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    in_stock: bool,
    sequence: u64,
    /// The number of the change that brought it; 0 if it is not of a database.
    version: i64,
}

/// News of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockUpdate {
    /// The item.
    pub item: String,
    /// The store; the whole market, if there is none.
    pub store: Option<String>,
    /// Whether it can be had.
    pub in_stock: bool,
    /// Grows with every change of the item: of two updates the one with the higher number counts.
    pub sequence: u64,
}

/// What became of a batch of updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// So many were news.
    pub accepted: usize,
    /// So many were no higher in sequence than what was known, and changed nothing.
    pub stale: usize,
}

impl Stock {
    /// Takes an update in if it is news.
    pub fn update(&mut self, update: &StockUpdate) -> bool {
        self.update_by(update, 0)
    }

    /// The same, of a change with this number.
    pub(super) fn update_by(&mut self, update: &StockUpdate, version: i64) -> bool {
        let StockUpdate { in_stock, sequence, .. } = *update;
        if let Some(known) = self.0.get_mut(&update.item) {
            if sequence <= known.sequence {
                return false;
            }
            *known = Known { in_stock, sequence, version: version.max(known.version) };
        } else {
            self.0.insert(update.item.clone(), Known { in_stock, sequence, version });
        }
        true
    }

    /// Takes in what the database has, unless a later change was taken in already: of an item that was reset its sequence may be
    /// lower than before. `None` forgets what was said.
    pub(super) fn load(&mut self, item: &str, said: Option<(bool, u64)>, version: i64) {
        if self.0.get(item).is_some_and(|known| known.version >= version) {
            return;
        }
        match said {
            Some((in_stock, sequence)) => {
                self.0.insert(item.to_owned(), Known { in_stock, sequence, version });
            }
            None => self.forget(item),
        }
    }

    /// Forgets what was said of an item, and its sequence with it.
    pub fn forget(&mut self, item: &str) {
        self.0.remove(item);
    }

    /// False if the last word on the item was that it cannot be had.
    pub fn is_in_stock(&self, item: &str) -> bool {
        self.0.get(item).is_none_or(|known| known.in_stock)
    }

    /// The last word on the item, if there was any.
    pub fn said(&self, item: &str) -> Option<bool> {
        self.0.get(item).map(|known| known.in_stock)
    }

    /// Number of items that something is known about.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items that nobody has bought yet and that can be had, as numbers of a model.
    pub(super) fn new_in_stock(&self, model: &Model) -> NumberSet {
        let catalogue = model.catalogue();
        let mut set = NumberSet::new(catalogue.items().len());
        for (id, _) in self.0.iter().filter(|(_, known)| known.in_stock) {
            if let Some(item) = catalogue.items().position(id).filter(|&item| catalogue.baskets(item) == 0) {
                set.set(item, true);
            }
        }
        set
    }

    /// The items out of stock, as numbers of a model.
    pub(super) fn out_of_stock(&self, model: &Model) -> NumberSet {
        let items = model.catalogue().items();
        let mut set = NumberSet::new(items.len());
        for (id, _) in self.0.iter().filter(|(_, known)| !known.in_stock) {
            if let Some(item) = items.position(id) {
                set.set(item, true);
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_sequence_wins_whatever_the_order() {
        let update = |in_stock, sequence| StockUpdate { item: "a".into(), store: None, in_stock, sequence };
        let mut stock = Stock::default();
        assert!(stock.update(&update(false, 5)));
        assert!(!stock.update(&update(true, 4)));
        assert!(!stock.update(&update(true, 5)), "a replay changes nothing");
        assert_eq!((stock.0["a"].in_stock, stock.0["a"].sequence), (false, 5));
        assert!(stock.update(&update(true, 6)));
        assert_eq!((stock.0["a"].in_stock, stock.0["a"].sequence), (true, 6));
    }
}
