//! Size, price and category of each item, as alternatives are compared by them.

use crate::amount::{Amount, MOST};
use crate::attributes::Attributes;
use crate::catalogue::{Catalogue, NO_CATEGORY};

/// What of an item is compared with each of many others; together, so that one look finds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    pub(crate) size: Option<Amount>,
    /// Above 0, or NaN where it is not known.
    price: f32,
    /// The category, if it is a kind of thing, or [`NO_CATEGORY`].
    pub(crate) kind: u32,
    /// It was sold before the last days of the period, and not in them.
    pub(crate) is_unsold: bool,
}

impl Package {
    /// Those of all items.
    pub(crate) fn all(catalogue: &Catalogue, attributes: &Attributes) -> Vec<Self> {
        let recent = catalogue.all_recent_baskets();
        let package = |item: u32| Self {
            size: attributes.size(item),
            price: catalogue.price(item).filter(|price| *price > 0.0).unwrap_or(f32::NAN),
            kind: catalogue.kind(item).unwrap_or(NO_CATEGORY),
            is_unsold: catalogue.baskets(item) > 0 && recent[item as usize] == 0,
        };
        (0..catalogue.items().len() as u32).map(package).collect()
    }

    /// How many times as large the other one is; `None` where that is not known, or out of all proportion.
    pub(crate) fn size_times(&self, other: &Self) -> Option<f32> {
        self.size?.times(&other.size?).filter(|times| (MOST.recip()..=MOST).contains(times))
    }

    /// How many times as dear the other one is, by size where sizes can be compared; `None` where a price is not known.
    pub(crate) fn price_times(&self, other: &Self) -> Option<f32> {
        let times = other.price / self.price / self.size_times(other).unwrap_or(1.0);
        (times.is_finite() && times > 0.0).then_some(times)
    }
}
