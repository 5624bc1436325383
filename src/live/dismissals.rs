//! Items that customers do not want to see again for a while.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use trolley_model::{Catalogue, Item};

use crate::store::DismissalRow;

/// The dismissed items of a market's customers.
#[derive(Debug, Default)]
pub struct Dismissals {
    /// By customer.
    of: RwLock<HashMap<Box<str>, Vec<Dismissal>>>,
}

/// An item, with the time of its dismissal in Unix seconds.
type Dismissal = (Box<str>, i64);

impl Dismissals {
    /// Adds dismissals, except those of customers for whom `is_erased` is true.
    pub fn add(&self, rows: &[DismissalRow], is_erased: impl Fn(&str) -> bool) {
        let mut of = self.of.write().unwrap_or_else(PoisonError::into_inner);
        for DismissalRow { customer, item, received } in rows.iter().filter(|row| !is_erased(&row.customer)) {
            let own = of.entry(customer.as_str().into()).or_default();
            match own.iter_mut().find(|(known, _)| **known == **item) {
                Some((_, at)) => *at = *received.max(at),
                None => own.push((item.as_str().into(), *received)),
            }
        }
    }

    /// The items, by number, that a customer has dismissed at `since` or later, in Unix seconds.
    pub(super) fn of(&self, customer: &str, catalogue: &Catalogue, since: i64) -> Vec<Item> {
        let of = self.of.read().unwrap_or_else(PoisonError::into_inner);
        let own = of.get(customer).into_iter().flatten().filter(|(_, at)| *at >= since);
        own.filter_map(|(item, _)| catalogue.position(item)).collect()
    }

    /// Removes the dismissals of a customer.
    pub fn erase_customer(&self, customer: &str) {
        self.of.write().unwrap_or_else(PoisonError::into_inner).remove(customer);
    }

    /// Removes the dismissals of the customers for whom `is_erased` is true.
    pub fn erase(&self, is_erased: impl Fn(&str) -> bool) {
        self.of.write().unwrap_or_else(PoisonError::into_inner).retain(|customer, _| !is_erased(customer));
    }

    /// Removes dismissals before `since`, in Unix seconds.
    pub fn forget_before(&self, since: i64) {
        let mut of = self.of.write().unwrap_or_else(PoisonError::into_inner);
        of.retain(|_, own| {
            own.retain(|(_, at)| *at >= since);
            !own.is_empty()
        });
    }
}
