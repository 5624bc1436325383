//! One question of an evaluation, and what would have been the right answer.

use std::sync::Arc;

use trolley_model::{Model, Query};

use super::offered::Offered;

/// What the customer of a case buys without the item asked about: what each item adds to the mean recall in such baskets, by
/// rising item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usual(pub(crate) Vec<(u32, f32)>);

impl Usual {
    /// What an item adds; 0 of one that the customer does not buy.
    pub(crate) fn of(&self, item: u32) -> f32 {
        self.0.binary_search_by_key(&item, |known| known.0).map_or(0.0, |at| self.0[at].1)
    }
}

/// A question with its answer, in the numbers of one model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// The items asked about, as far as the model knows them.
    pub(crate) items: Vec<u32>,
    /// The customer, if the model knows them.
    pub(crate) customer: Option<u32>,
    /// The store that is asked for, if the model knows it.
    pub(crate) store: Option<u32>,
    /// Whose case it is, in the numbers of the transactions: an interval draws all cases of one customer together.
    pub(crate) owner: u32,
    /// The basket that it is taken from; of no meaning where there is more than one.
    pub(crate) basket: usize,
    /// The item of that basket that is asked about, in the numbers of the transactions, if there is one.
    pub(crate) asked: Option<u32>,
    /// The right answers that the model knows, rising.
    pub(crate) relevant: Vec<u32>,
    /// How many right answers there are, known to the model or not.
    pub(crate) relevant_count: usize,
    /// Items that must not be answered, rising.
    pub(crate) barred: Vec<u32>,
    /// If there are any, nothing else may be answered: the offers of a week, by rising item.
    pub(crate) offered: Option<Arc<Offered>>,
    /// What the customer buys without the item asked about, where a blend is to be learned that makes less of it.
    pub(crate) usual: Usual,
    /// How well the item asked about sells; of no meaning where none is.
    pub(crate) band: Band,
    /// How much the model knows of the customer.
    pub(crate) history: History,
}

impl Case {
    pub(crate) fn query<'a>(&'a self, model: &'a Model) -> Query<'a> {
        Query {
            items: &self.items,
            customer: self.customer.map(|customer| model.profile(customer)),
            store: self.store,
            ..Query::default()
        }
    }

    pub(crate) fn is_relevant(&self, item: u32) -> bool {
        self.relevant.binary_search(&item).is_ok()
    }

    pub(crate) fn may_show(&self, item: u32) -> bool {
        !self.items.contains(&item)
            && self.barred.binary_search(&item).is_err()
            && self.offered.as_ref().is_none_or(|offered| offered.items.binary_search(&item).is_ok())
    }
}

/// Items by falling purchases, cut where a third and two thirds of all purchases are reached.
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
    middle: u32,
    tail: u32,
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
            counts.iter().take_while(within).count() as u32
        };
        Self { middle: reach(1), tail: reach(2) }
    }

    /// The band of an item; one that the model does not know is of the tail.
    pub(crate) fn of(self, item: Option<u32>) -> Band {
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
    /// Not known.
    #[default]
    None,
    /// Fewer than [`MUCH`] baskets.
    Little,
    /// At least so many.
    Much,
}

/// From how many baskets on a history is called much.
pub(crate) const MUCH: u32 = 20;

impl History {
    pub(crate) const ALL: [(Self, &'static str); 3] =
        [(Self::Much, "much history"), (Self::Little, "little history"), (Self::None, "no history")];

    pub(crate) fn of(model: &Model, customer: Option<u32>) -> Self {
        match customer.map(|customer| model.profile(customer).baskets()) {
            None => Self::None,
            Some(baskets) if baskets < MUCH => Self::Little,
            Some(_) => Self::Much,
        }
    }
}
