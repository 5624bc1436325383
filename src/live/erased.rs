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
    /// Adds some. Those who were not there before.
    pub fn extend(&mut self, customers: impl IntoIterator<Item = CustomerHash>) -> Vec<CustomerHash> {
        customers.into_iter().filter(|customer| self.0.insert(*customer)).collect()
    }

    /// Whether a customer is among them.
    pub fn contains(&self, customer: &CustomerHash) -> bool {
        self.0.contains(customer)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &CustomerHash> {
        self.0.iter()
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
        let mut set = NumberSet::default();
        if !self.is_empty() {
            set = NumberSet::new(model.histories().customers().len());
            numbers_of(&self.0, model).into_iter().for_each(|customer| set.set(customer, true));
        }
        set
    }
}

/// The customers of a model with these hashes. It hashes the IDs of all of them: nothing for a thread that answers.
pub(super) fn numbers_of(wanted: &HashSet<CustomerHash>, model: &Model) -> Vec<u32> {
    let customers = model.histories().customers();
    (0..customers.len() as u32).filter(|&customer| wanted.contains(&customer_hash(customers.get(customer)))).collect()
}
