//! Similarity of two items by their descriptions: size, price, names and attributes.

use crate::amount::ratio_likeness;
use crate::item_stats::ItemStats;
use crate::{Item, Model, Profile};

impl Model {
    /// The other item's size divided by the item's; `None` if unknown or implausibly large or small.
    pub fn size_times(&self, item: Item, other: Item) -> Option<f32> {
        self.package(item).size_times(self.package(other))
    }

    /// The other item's unit price (per litre, kilogram or piece) divided by the item's; by the price per item if the
    /// sizes cannot be compared. `None` if a price is unknown.
    pub fn price_times(&self, item: Item, other: Item) -> Option<f32> {
        self.package(item).price_times(self.package(other))
    }

    /// Number of the other item that replaces one item, by their sizes; `None` if these are unknown or not comparable.
    pub fn instead(&self, item: Item, other: Item) -> Option<u32> {
        self.package(item).size?.instead(&self.package(other).size?)
    }

    /// Whether there are attributes, names or prices, by which items can be compared.
    pub(crate) fn is_described(&self) -> bool {
        !self.attributes().all().is_empty()
            || !self.catalogue().names().is_empty()
            || !self.catalogue().all_prices().is_empty()
    }

    /// The cosine of the names' words, with a higher weight for rare words: 0 to 1.
    pub(crate) fn name_similarity(&self, item: Item, other: Item) -> f32 {
        self.name_words().similarity(item, other)
    }

    /// The sum of the likenesses of attributes and prices, each from -1 to 1, and the similarity of names; unknown
    /// values add nothing.
    pub(crate) fn likeness(&self, item: Item, other: Item) -> f32 {
        let attributes: f32 = self.attributes().all().iter().map(|attribute| attribute.likeness(item, other)).sum();
        let price = self.price_times(item, other).map_or(0.0, ratio_likeness);
        attributes + price + self.name_similarity(item, other)
    }

    /// The worst [`Flaw`] of an alternative to an item. For an item that the customer has bought before, size and price
    /// are no flaws, and it counts as sold unless there is clear evidence against it.
    pub fn flaw(&self, item: Item, other: Item, customer: Option<&Profile<'_>>) -> Flaw {
        let (package, others) = (self.package(item), self.package(other));
        let stats = customer.and_then(|customer| customer.stats_of(other));
        let is_surely = |stats: ItemStats| {
            let catalogue = self.catalogue();
            let expected = catalogue.popularity(other) * catalogue.total_recent_baskets() as f32;
            expected >= SURELY && customer.is_some_and(|customer| customer.age(stats.last_day) > OWN_DAYS)
        };
        if others.is_unsold && stats.is_none_or(is_surely) {
            return Flaw::NotSold;
        }
        if package.kind.is_some() && others.kind != package.kind {
            return Flaw::Kind;
        }
        if stats.is_some() {
            return Flaw::None;
        }
        let is_another_size = package.size.zip(others.size).is_some_and(|(one, other)| {
            one.is_other_package(&other) || one.times(&other).is_some_and(|times| !(0.5..=2.0).contains(&times))
        });
        if is_another_size {
            return Flaw::Size;
        }
        let is_close = |times: f32| (DEAR.recip()..=DEAR).contains(&times);
        if package.price_times(others).is_none_or(is_close) { Flaw::None } else { Flaw::Price }
    }
}

/// An item counts as sold if the customer bought it within this many days.
const OWN_DAYS: f32 = 90.0;

/// Expected number of recent baskets from which an item in none of them is surely no longer sold.
const SURELY: f32 = 3.0;

/// Largest ratio of unit prices, in either direction, that is no flaw.
const DEAR: f32 = 1.5;

/// The worst flaw of an alternative. [`AlternativeRules`](crate::AlternativeRules) limit how many alternatives with a
/// flaw are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// No flaw.
    None,
    /// Its unit price (per litre, kilogram or piece) is more than 3/2 or less than 2/3 of the requested item's.
    Price,
    /// Its size is more than 2 or less than 1/2 times the requested item's, or one is a carton and the other is not.
    Size,
    /// It is of another kind.
    Kind,
    /// It was sold before the last days of the period, but not in them.
    NotSold,
}

impl Flaw {
    /// All flaws, the smallest first.
    pub const ALL: [Self; 5] = [Self::None, Self::Price, Self::Size, Self::Kind, Self::NotSold];
}
