//! Size, price and kind of each item, for the comparison of alternatives.

use crate::amount::{Amount, MOST};
use crate::attributes::Attributes;
use crate::catalogue::Catalogue;
use crate::category::Category;
use crate::item::Item;

/// The properties of an item that are compared with those of many others, in one struct for locality.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    pub(crate) size: Option<Amount>,
    /// Above 0, or NaN if unknown.
    price: f32,
    /// The item's kind.
    pub(crate) kind: Option<Category>,
    /// Whether it was sold before the last days of the period, but not in them.
    pub(crate) is_unsold: bool,
}

impl Package {
    /// The packages of all items.
    pub(crate) fn all(catalogue: &Catalogue, attributes: &Attributes) -> Vec<Self> {
        let recent = catalogue.all_recent_baskets();
        let package = |item: Item| Self {
            size: attributes.size(item),
            price: catalogue.price(item).filter(|price| *price > 0.0).unwrap_or(f32::NAN),
            kind: catalogue.kind(item),
            is_unsold: catalogue.baskets(item) > 0 && recent[item.index()] == 0,
        };
        catalogue.numbers().map(package).collect()
    }

    /// The other's size divided by this one's; `None` if unknown or implausibly large or small.
    pub(crate) fn size_times(&self, other: &Self) -> Option<f32> {
        self.size?.times(&other.size?).filter(|times| (MOST.recip()..=MOST).contains(times))
    }

    /// The other's unit price divided by this one's, by size if sizes can be compared, else per item; `None` if a price
    /// is unknown.
    pub(crate) fn price_times(&self, other: &Self) -> Option<f32> {
        let times = other.price / self.price / self.size_times(other).unwrap_or(1.0);
        (times.is_finite() && times > 0.0).then_some(times)
    }
}
