use std::collections::HashSet;
use std::sync::Arc;

use trolley_model::{Model, NumberSet};

use crate::secret::Secret;

/// A keyed hash of the customer's ID: all that is stored of an erased customer. With the secret it is enough to
/// recognise the ID, here and in later trainings.
pub type CustomerHash = blake3::Hash;

/// The hash of a customer's ID.
pub fn customer_hash(secret: &Secret, id: &str) -> CustomerHash {
    secret.customer(&blake3::hash(id.as_bytes()))
}

/// The erased customers of a market.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    all: HashSet<CustomerHash>,
    secret: Arc<Secret>,
}

impl Erased {
    /// An empty set.
    pub fn new(secret: Arc<Secret>) -> Self {
        Self { all: HashSet::new(), secret }
    }

    /// Adds customers; returns those that are new.
    pub fn extend(&mut self, customers: impl IntoIterator<Item = CustomerHash>) -> Vec<CustomerHash> {
        customers.into_iter().filter(|customer| self.all.insert(*customer)).collect()
    }

    /// Whether a customer has been erased.
    pub fn contains(&self, customer: &CustomerHash) -> bool {
        self.all.contains(customer)
    }

    /// All erased customers, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &CustomerHash> {
        self.all.iter()
    }

    /// Number of erased customers.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those that a model knows, by number.
    pub(super) fn numbers(&self, model: &Model) -> NumberSet {
        let mut set = NumberSet::default();
        if !self.is_empty() {
            set = NumberSet::new(model.histories().customers().len());
            numbers_of(&self.all, &self.secret, model).into_iter().for_each(|customer| set.set(customer, true));
        }
        set
    }
}

/// The customers of a model with these hashes. It hashes the IDs of all customers, which takes too long for a thread
/// that serves requests.
pub(super) fn numbers_of(wanted: &HashSet<CustomerHash>, secret: &Secret, model: &Model) -> Vec<u32> {
    let customers = model.histories().customers();
    let is_wanted = |customer: &u32| wanted.contains(&customer_hash(secret, customers.get(*customer)));
    (0..customers.len() as u32).filter(is_wanted).collect()
}
