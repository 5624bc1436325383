//! Mapping from the numbering of the transactions to that of a model.

use trolley_model::{Customer, Item, Model};

use crate::input::{ANONYMOUS, Transactions};

/// The model's number of each item, customer and store of the transactions; `None` if the model does not know it.
pub(crate) struct Numbering {
    items: Vec<Option<Item>>,
    customers: Vec<Option<Customer>>,
    stores: Vec<Option<u32>>,
}

impl Numbering {
    pub(crate) fn new(transactions: &Transactions, model: &Model) -> Self {
        Self {
            items: transactions.items.iter().map(|id| model.catalogue().position(id)).collect(),
            customers: transactions.customers.iter().map(|id| model.histories().position(id)).collect(),
            stores: transactions.stores.iter().map(|id| model.stores().position(id)).collect(),
        }
    }

    pub(crate) fn item(&self, item: u32) -> Option<Item> {
        self.items[item as usize]
    }

    pub(crate) fn customer(&self, customer: u32) -> Option<Customer> {
        if customer == ANONYMOUS { None } else { self.customers[customer as usize] }
    }

    pub(crate) fn store(&self, store: u32) -> Option<u32> {
        self.stores[store as usize]
    }

    /// The model's numbers of those items that it knows, ascending.
    pub(crate) fn items(&self, items: &[u32]) -> Vec<Item> {
        let mut known: Vec<Item> = items.iter().filter_map(|&item| self.item(item)).collect();
        known.sort_unstable();
        known
    }
}
