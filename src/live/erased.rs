use std::collections::HashSet;

use trolley_model::{Model, NumberSet};

/// A customer who has been erased is remembered by this hash of the ID alone: enough to recognise the ID, here and when
/// the next model is trained.
pub type CustomerHash = blake3::Hash;

/// The hash of a customer's ID.
pub fn customer_hash(id: &str) -> CustomerHash {
    blake3::hash(id.as_bytes())
}

/// Customers who are not to be known any more.
#[derive(Clone, Debug, Default)]
pub struct Erased(HashSet<CustomerHash>);

impl Erased {
    /// Adds some.
    pub fn extend(&mut self, customers: impl IntoIterator<Item = CustomerHash>) {
        self.0.extend(customers);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those whom a model knows.
    pub(super) fn numbers(&self, model: &Model) -> NumberSet {
        let customers = model.histories().customers();
        let mut set = NumberSet::default();
        if !self.0.is_empty() {
            set = NumberSet::new(customers.len());
            for customer in 0..customers.len() as u32 {
                set.set(customer, self.0.contains(&customer_hash(customers.get(customer))));
            }
        }
        set
    }
}
