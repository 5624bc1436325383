//! How alike two items are by what the shop says of them: size, price, names and attributes.

use crate::amount::ratio_likeness;
use crate::catalogue::NO_CATEGORY;
use crate::item_stats::ItemStats;
use crate::{Model, Profile};

impl Model {
    /// How many times as large the other item is; `None` where that is not known, or out of all proportion.
    pub fn size_times(&self, item: u32, other: u32) -> Option<f32> {
        self.package(item).size_times(self.package(other))
    }

    /// How many times as dear the other item is, by the litre, kilogram or piece; by the item where the sizes cannot be
    /// compared. `None` where a price is not known.
    pub fn price_times(&self, item: u32, other: u32) -> Option<f32> {
        self.package(item).price_times(self.package(other))
    }

    /// How many of the other make up for one item, by their sizes; `None` where these are not known.
    pub fn instead(&self, item: u32, other: u32) -> Option<u32> {
        self.package(item).size?.instead(&self.package(other).size?)
    }

    /// Whether the shop says anything of its items by which two can be compared.
    pub(crate) fn is_described(&self) -> bool {
        !self.attributes().all().is_empty()
            || !self.catalogue().names().is_empty()
            || !self.catalogue().all_prices().is_empty()
    }

    /// Whether the names have words in common, rare words weighing more: 0 to 1.
    pub(crate) fn name_similarity(&self, item: u32, other: u32) -> f32 {
        self.name_words().similarity(item, other)
    }

    /// The sum of all likenesses, each from -1 to 1; what is not known adds nothing.
    pub(crate) fn likeness(&self, item: u32, other: u32) -> f32 {
        let attributes: f32 = self.attributes().all().iter().map(|attribute| attribute.likeness(item, other)).sum();
        let price = self.price_times(item, other).map_or(0.0, ratio_likeness);
        attributes + price + self.name_similarity(item, other)
    }

    /// What speaks against an alternative to an item: see [`Flaw`]. What the customer has bought before they judge themselves: its
    /// size and price are none, and it counts as sold unless it surely is not.
    pub fn flaw(&self, item: u32, other: u32, customer: Option<&Profile<'_>>) -> Flaw {
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
        if package.kind != NO_CATEGORY && others.kind != package.kind {
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

/// What a customer has bought in the last so many days is sold.
const OWN_DAYS: f32 = 90.0;

/// What would have been in so many of the last baskets by chance, and was in none, is surely not sold any more.
const SURELY: f32 = 3.0;

/// Half as dear again, by the litre, kilogram or piece.
const DEAR: f32 = 1.5;

/// What speaks against an alternative, the worst of it; how many with one are shown is up to the
/// [`AlternativeRules`](crate::AlternativeRules).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// Nothing.
    None,
    /// Its price by the litre, kilogram or piece is more than half as much again, or less than two thirds.
    Price,
    /// It is more than twice or less than half as large, or one is a carton and the other is not.
    Size,
    /// It is of another category.
    Kind,
    /// It has not been sold in the last days of the period, though it has before.
    NotSold,
}

impl Flaw {
    /// All of them, the least first.
    pub const ALL: [Self; 5] = [Self::None, Self::Price, Self::Size, Self::Kind, Self::NotSold];
}
