use std::collections::HashMap;

use trolley_model::{Model, NumberSet};

/// The pushed stock of a market. An item without a record is in stock.
#[derive(Clone, Debug, Default)]
pub struct Stock(HashMap<String, Known>);

/// The latest record of an item.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    in_stock: bool,
    sequence: u64,
    /// The version of the change that set it; 0 if it did not come from a database.
    version: i64,
}

/// A stock update of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockUpdate {
    /// The item.
    pub item: String,
    /// The store; `None` for the whole market.
    pub store: Option<String>,
    /// Whether the item is in stock.
    pub in_stock: bool,
    /// Increases with every change of the item: of two updates, the one with the higher number applies.
    pub sequence: u64,
}

/// The outcome of a batch of updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Number of updates that were newer than the known records.
    pub accepted: usize,
    /// Number of updates that were not newer and changed nothing.
    pub stale: usize,
}

impl Stock {
    /// Applies an update if its sequence is higher than the known one; returns whether it is.
    pub fn update(&mut self, update: &StockUpdate) -> bool {
        self.update_by(update, 0)
    }

    /// As [`Stock::update`], for a change with this version.
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

    /// Applies a record of the database, unless a later change was applied before: after a reset, the sequence of an
    /// item may be lower. `None` removes the record.
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

    /// Removes the record of an item, including its sequence.
    pub fn forget(&mut self, item: &str) {
        self.0.remove(item);
    }

    /// False if the latest record of the item says that it is out of stock.
    pub fn is_in_stock(&self, item: &str) -> bool {
        self.0.get(item).is_none_or(|known| known.in_stock)
    }

    /// What the latest record of the item says, if there is one.
    pub fn said(&self, item: &str) -> Option<bool> {
        self.0.get(item).map(|known| known.in_stock)
    }

    /// Number of items with a record.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are no records.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items that were never bought but pushed as in stock, as numbers of a model.
    pub(super) fn new_in_stock(&self, model: &Model) -> NumberSet {
        let catalogue = model.catalogue();
        let mut set = NumberSet::new(catalogue.items().len());
        for (id, _) in self.0.iter().filter(|(_, known)| known.in_stock) {
            if let Some(item) = catalogue.position(id).filter(|&item| catalogue.baskets(item) == 0) {
                set.set(item.0, true);
            }
        }
        set
    }

    /// The items out of stock, as numbers of a model.
    pub(super) fn out_of_stock(&self, model: &Model) -> NumberSet {
        let catalogue = model.catalogue();
        let mut set = NumberSet::new(catalogue.items().len());
        for (id, _) in self.0.iter().filter(|(_, known)| !known.in_stock) {
            if let Some(item) = catalogue.position(id) {
                set.set(item.0, true);
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
