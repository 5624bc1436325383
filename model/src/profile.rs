//! A customer as a value.

use crate::item::Item;
use crate::item_stats::ItemStats;

/// A position in [`Profile::items`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Position(pub u16);

impl Position {
    /// The position as an index.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A customer as of a day: borrowed from a model's tables or from an [`OwnedProfile`](crate::OwnedProfile).
#[derive(Clone, Copy, Debug)]
pub struct Profile<'a> {
    /// The items bought, ascending; the other columns of statistics have the same length.
    pub(crate) items: &'a [Item],
    pub(crate) item_baskets: &'a [u16],
    pub(crate) first_day: &'a [u16],
    pub(crate) last_day: &'a [u16],
    pub(crate) decayed: &'a [f32],
    /// Empty without data on offers.
    pub(crate) taken_on_offer: &'a [f32],
    pub(crate) baskets: u32,
    pub(crate) decayed_baskets: f32,
    pub(crate) last: LastBasketsOf<'a>,
    /// The unit vector of the factors, and their norm.
    pub(crate) factors: (&'a [f32], f32),
    /// Usual quantity of each item, 0 if unknown; empty without quantities.
    pub(crate) quantity: &'a [f32],
    /// The day after the present day: ages count back from the present day.
    pub(crate) end: u16,
    /// Factor of all decayed counts: they were counted for an earlier day than the present one.
    pub(crate) fade: f32,
}

/// One of a customer's last baskets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastBasket<'a> {
    /// Age in days, counted from the present day: from 0.
    pub age: f32,
    /// Its items as positions in [`Profile::items`], ascending.
    pub positions: &'a [Position],
}

/// The last baskets of one customer, oldest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastBasketsOf<'a> {
    pub(crate) days: &'a [u16],
    /// Where each basket's items begin in `positions`, and where those of the last one end.
    pub(crate) offsets: &'a [u64],
    pub(crate) positions: &'a [Position],
}

impl<'a> Profile<'a> {
    /// The items that the customer has bought, ascending.
    pub fn items(&self) -> &'a [Item] {
        self.items
    }

    /// The statistics of each item, in the same order.
    pub fn stats(&self) -> impl ExactSizeIterator<Item = ItemStats> + use<'a> {
        let profile = *self;
        (0..self.items.len()).map(move |position| profile.at(position))
    }

    /// The statistics of one item; `None` if the customer has not bought it.
    pub fn stats_of(&self, item: Item) -> Option<ItemStats> {
        Some(self.at(self.items.binary_search(&item).ok()?))
    }

    /// The statistics of the item at a position of [`Profile::items`].
    pub(crate) fn at(&self, position: usize) -> ItemStats {
        ItemStats {
            item: self.items[position],
            baskets: self.item_baskets[position],
            first_day: self.first_day[position],
            last_day: self.last_day[position],
            decayed: self.decayed[position] * self.fade,
        }
    }

    /// The quantity of an item that the customer usually buys, if known.
    pub fn quantity(&self, item: Item) -> Option<f32> {
        let position = self.items.binary_search(&item).ok()?;
        self.quantity.get(position).copied().filter(|quantity| *quantity > 0.0)
    }

    /// The same customer on a later day: ages count from there, and decayed counts shrink. `end` is the day after that
    /// day; an earlier one than that of the profile changes nothing.
    #[must_use]
    pub fn as_of(self, end: u16, half_life_days: f32) -> Self {
        let days = f32::from(end.saturating_sub(self.end));
        Self { end: end.max(self.end), fade: self.fade * (-days / half_life_days).exp2(), ..self }
    }

    /// Purchases of the item at a position of [`Profile::items`] per week in which it was on offer; 0 without data on
    /// offers.
    pub(crate) fn taken_on_offer(&self, position: usize) -> f32 {
        self.taken_on_offer.get(position).copied().unwrap_or(0.0)
    }

    /// Whether the customer has bought an item.
    pub fn has_bought(&self, item: Item) -> bool {
        self.items.binary_search(&item).is_ok()
    }

    /// The customer's most and most recently bought items (by decayed purchases), at most `wanted` of those for which
    /// `counts` is true, in no particular order; ties go to the lower item number.
    pub fn most(&self, wanted: usize, counts: impl Fn(Item) -> bool) -> Vec<Item> {
        let items = self.items.iter().zip(self.decayed).filter(|(item, _)| counts(**item));
        // One key for both: the bits of non-negative floats sort like the floats, and of ties the lower item comes
        // first.
        let mut keys: Vec<u64> =
            items.map(|(&item, decayed)| u64::from(decayed.to_bits()) << 32 | u64::from(!item.0)).collect();
        if keys.len() > wanted {
            keys.select_nth_unstable_by_key(wanted, |&key| std::cmp::Reverse(key));
            keys.truncate(wanted);
        }
        keys.into_iter().map(|key| Item(!(key as u32))).collect()
    }

    /// Number of the customer's baskets.
    pub fn baskets(&self) -> u32 {
        self.baskets
    }

    /// The customer's baskets, weighted by one half to the power of their age in half-lives.
    pub fn decayed_baskets(&self) -> f32 {
        self.decayed_baskets * self.fade
    }

    /// The customer's last baskets, oldest first.
    pub fn last_baskets(&self) -> impl DoubleEndedIterator<Item = LastBasket<'a>> + use<'a> {
        let Self { last: LastBasketsOf { days, offsets, positions }, .. } = *self;
        let profile = *self;
        days.iter().zip(offsets.windows(2)).map(move |(&day, ends)| LastBasket {
            age: profile.age(day),
            positions: &positions[ends[0] as usize..ends[1] as usize],
        })
    }

    /// The present day, in days since 1970-01-01.
    pub fn today(&self) -> u16 {
        self.end.saturating_sub(1)
    }

    /// Age of a day in days, counted from the present day: from 0.
    pub fn age(&self, day: u16) -> f32 {
        f32::from(self.today().saturating_sub(day))
    }

    /// The unit vector of the customer's factors; zeros or empty if there are none.
    pub(crate) fn direction(&self) -> &'a [f32] {
        self.factors.0
    }

    /// The norm of the customer's factors.
    pub(crate) fn length(&self) -> f32 {
        self.factors.1
    }
}
