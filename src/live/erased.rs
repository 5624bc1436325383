use std::collections::HashSet;
use std::sync::Arc;

use trolley_model::{Model, NumberSet};

use crate::secret::Secret;

/// A customer who has been erased is remembered by this hash of the ID alone: enough to recognise the ID, here and when
/// the next model is trained, given the secret.
pub type CustomerHash = blake3::Hash;

/// The hash of a customer's ID.
pub fn customer_hash(secret: &Secret, id: &str) -> CustomerHash {
    secret.customer(&blake3::hash(id.as_bytes()))
}

/// Customers who are not to be known any more.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    all: HashSet<CustomerHash>,
    secret: Arc<Secret>,
}

impl Erased {
    /// Nobody yet.
    pub fn new(secret: Arc<Secret>) -> Self {
        Self { all: HashSet::new(), secret }
    }

    /// Adds some. Those who were not there before.
    pub fn extend(&mut self, customers: impl IntoIterator<Item = CustomerHash>) -> Vec<CustomerHash> {
        customers.into_iter().filter(|customer| self.all.insert(*customer)).collect()
    }

    /// Whether a customer is among them.
    pub fn contains(&self, customer: &CustomerHash) -> bool {
        self.all.contains(customer)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &CustomerHash> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those whom a model knows.
    pub(super) fn numbers(&self, model: &Model) -> NumberSet {
        let mut set = NumberSet::default();
        if !self.is_empty() {
            set = NumberSet::new(model.histories().customers().len());
            numbers_of(&self.all, &self.secret, model).into_iter().for_each(|customer| set.set(customer, true));
        }
        set
    }
}

/// The customers of a model with these hashes. It hashes the IDs of all of them: nothing for a thread that answers.
pub(super) fn numbers_of(wanted: &HashSet<CustomerHash>, secret: &Secret, model: &Model) -> Vec<u32> {
    let customers = model.histories().customers();
    let is_wanted = |customer: &u32| wanted.contains(&customer_hash(secret, customers.get(*customer)));
    (0..customers.len() as u32).filter(is_wanted).collect()
}
