//! A test case: a query and its relevant items.

use std::sync::Arc;

use trolley_model::{Customer, Item, Model, OwnedProfile, Profile, Query};

use super::offered::Offered;

/// What the customer of a case buys without the query item: for each item, ascending, its contribution to the mean
/// recall in baskets without the query item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usual(pub(crate) Vec<(Item, f32)>);

impl Usual {
    /// The contribution of an item; 0 if the customer does not buy it.
    pub(crate) fn of(&self, item: Item) -> f32 {
        self.0.binary_search_by_key(&item, |known| known.0).map_or(0.0, |at| self.0[at].1)
    }
}

/// A query and its relevant items, numbered as in one model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// The query items that the model knows.
    pub(crate) items: Vec<Item>,
    /// The customer, if the model knows them.
    pub(crate) customer: Option<Customer>,
    /// The customer as of the moment of the case, with all purchases since the model was trained; only set for an
    /// evaluation with live baskets.
    pub(crate) current: Option<Arc<OwnedProfile>>,
    /// The store of the query, if the model knows it.
    pub(crate) store: Option<u32>,
    /// The customer of the case, numbered as in the transactions, or a unique number for an anonymous basket. The
    /// bootstrap resamples all cases of one customer together.
    pub(crate) owner: u32,
    /// The basket of the case; undefined if there are several.
    pub(crate) basket: usize,
    /// The single query item taken from that basket, if there is one, numbered as in the transactions.
    pub(crate) asked: Option<u32>,
    /// The relevant items that the model knows, ascending.
    pub(crate) relevant: Vec<Item>,
    /// Number of relevant items, known to the model or not.
    pub(crate) relevant_count: usize,
    /// Items that must not be recommended, ascending.
    pub(crate) barred: Vec<Item>,
    /// The offers of a week, ascending by item. If they are set, only their items may be recommended.
    pub(crate) offered: Option<Arc<Offered>>,
    /// What the customer buys without the query item; only set for learning a blend with an item focus.
    pub(crate) usual: Usual,
    /// Popularity of the query item; undefined if there is none.
    pub(crate) band: Band,
    /// Length of the customer's history in the model.
    pub(crate) history: History,
}

impl Case {
    pub(crate) fn query<'a>(&'a self, model: &'a Model) -> Query<'a> {
        Query { items: &self.items, customer: self.profile(model), store: self.store, ..Query::default() }
    }

    /// The customer of the case.
    pub(crate) fn profile<'a>(&'a self, model: &'a Model) -> Option<Profile<'a>> {
        let current = self.current.as_ref().map(|current| current.as_profile());
        current.or_else(|| self.customer.map(|customer| model.profile(customer)))
    }

    pub(crate) fn is_relevant(&self, item: Item) -> bool {
        self.relevant.binary_search(&item).is_ok()
    }

    pub(crate) fn may_show(&self, item: Item) -> bool {
        !self.items.contains(&item)
            && self.barred.binary_search(&item).is_err()
            && self.offered.as_ref().is_none_or(|offered| offered.items.binary_search(&item).is_ok())
    }
}

/// Popularity of an item: items in descending order of purchases, cut where they reach one and two thirds of all
/// purchases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Band {
    Head,
    Middle,
    #[default]
    Tail,
}

impl Band {
    pub(crate) const ALL: [(Self, &'static str); 3] =
        [(Self::Head, "head"), (Self::Middle, "middle"), (Self::Tail, "tail")];
}

/// The first item of the middle and of the tail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bands {
    middle: Item,
    tail: Item,
}

impl Bands {
    pub(crate) fn new(model: &Model) -> Self {
        let counts = model.catalogue().all_baskets();
        let all: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        let reach = |share: u64| {
            let mut sum = 0;
            let within = |count: &&u32| {
                sum += u64::from(**count);
                sum * 3 <= all * share
            };
            Item(counts.iter().take_while(within).count() as u32)
        };
        Self { middle: reach(1), tail: reach(2) }
    }

    /// The band of an item; unknown items are in the tail.
    pub(crate) fn of(self, item: Option<Item>) -> Band {
        match item {
            Some(item) if item < self.middle => Band::Head,
            Some(item) if item < self.tail => Band::Middle,
            _ => Band::Tail,
        }
    }
}

/// Customers by the number of their baskets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum History {
    /// Unknown customer.
    #[default]
    None,
    /// Fewer than [`MUCH`] baskets.
    Little,
    /// At least [`MUCH`] baskets.
    Much,
}

/// Minimum number of baskets of a customer with much history.
pub(crate) const MUCH: u32 = 20;

impl History {
    pub(crate) const ALL: [(Self, &'static str); 3] =
        [(Self::Much, "much history"), (Self::Little, "little history"), (Self::None, "no history")];

    pub(crate) fn of(model: &Model, customer: Option<Customer>) -> Self {
        match customer.map(|customer| model.profile(customer).baskets()) {
            None => Self::None,
            Some(baskets) if baskets < MUCH => Self::Little,
            Some(_) => Self::Much,
        }
    }
}
