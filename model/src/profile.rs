//! A customer as a value.

use crate::item::Item;
use crate::item_stats::{ItemStats, ItemStatsColumns};
use crate::vectors::Vectors;

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

/// A customer as of a day: borrowed from a model's tables or from an [`OwnedProfile`].
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
    /// The day after the last day of the period: ages count back from the last day.
    pub(crate) end: u16,
}

/// One of a customer's last baskets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastBasket<'a> {
    /// Age in days, counted from the last day of the period: from 0.
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
            decayed: self.decayed[position],
        }
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
        self.decayed_baskets
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

    /// Age of a day in days, counted from the last day of the period: from 0.
    pub fn age(&self, day: u16) -> f32 {
        f32::from(self.end.saturating_sub(1).saturating_sub(day))
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

/// A customer counted from baskets, independent of any model.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedProfile {
    stats: ItemStatsColumns,
    baskets: u32,
    decayed_baskets: f32,
    days: Vec<u16>,
    offsets: Vec<u64>,
    positions: Vec<Position>,
    factors: Vectors,
    end: u16,
}

/// Purchases of an item per week in which it was on offer, given its number and the days of its purchases.
pub type TakenOnOffer<'a> = dyn Fn(Item, &[u16]) -> f32 + 'a;

/// Parameters for counting a profile.
#[derive(Clone, Copy)]
pub struct Counting<'a> {
    /// The day after the last one of the period.
    pub end: u16,
    /// Half-life of a purchase's weight in decayed counts, in days.
    pub half_life_days: f32,
    /// Number of last baskets that are stored individually.
    pub last_baskets: usize,
    /// Purchases of an item per week in which it was on offer, given the days of its purchases; `None` without data on
    /// offers.
    pub taken_on_offer: Option<&'a TakenOnOffer<'a>>,
}

impl std::fmt::Debug for Counting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counting").field("end", &self.end).finish_non_exhaustive()
    }
}

impl OwnedProfile {
    /// Counts baskets, oldest first: the day of each, before `counting.end`, and its items, ascending. The profile has
    /// no factors.
    pub fn count(baskets: &[(u16, &[Item])], counting: &Counting<'_>) -> Self {
        let Counting { end, half_life_days, last_baskets, taken_on_offer } = *counting;
        let decay = |day: u16| (-f32::from(end.saturating_sub(1).saturating_sub(day)) / half_life_days).exp2();
        let mut lines: Vec<(Item, u16)> =
            baskets.iter().flat_map(|&(day, items)| items.iter().map(move |&item| (item, day))).collect();
        lines.sort_unstable();
        let mut stats = ItemStatsColumns::default();
        for same in lines.chunk_by(|a, b| a.0 == b.0) {
            if let Some(taken_on_offer) = taken_on_offer {
                let days: Vec<u16> = same.iter().map(|&(_, day)| day).collect();
                stats.taken_on_offer.push(taken_on_offer(same[0].0, &days));
            }
            stats.push(ItemStats {
                item: same[0].0,
                baskets: same.len().min(usize::from(u16::MAX)) as u16,
                first_day: same[0].1,
                last_day: same[same.len() - 1].1,
                decayed: same.iter().map(|&(_, day)| decay(day)).sum(),
            });
        }
        let (mut days, mut offsets, mut positions) = (Vec::new(), vec![0], Vec::new());
        for &(day, items) in &baskets[baskets.len().saturating_sub(last_baskets)..] {
            days.push(day);
            let known = items.iter().filter_map(|item| stats.item.binary_search(item).ok());
            // Positions are 16 bits: of a history of more than 65,536 items, the bestsellers.
            positions.extend(known.filter_map(|position| u16::try_from(position).ok()).map(Position));
            offsets.push(positions.len() as u64);
        }
        Self {
            stats,
            baskets: baskets.len() as u32,
            decayed_baskets: baskets.iter().map(|&(day, _)| decay(day)).sum(),
            days,
            offsets,
            positions,
            factors: Vectors::from_rows(1, vec![0.0]),
            end,
        }
    }

    /// Sets the factors: one row with the model's number of dimensions. A table without exactly one row is ignored.
    #[must_use]
    pub fn with_factors(self, factors: Vectors) -> Self {
        if factors.len() == 1 { Self { factors, ..self } } else { self }
    }

    /// Borrows the profile.
    pub fn as_profile(&self) -> Profile<'_> {
        let ItemStatsColumns { item, baskets, first_day, last_day, decayed, taken_on_offer } = &self.stats;
        Profile {
            items: item,
            item_baskets: baskets,
            first_day,
            last_day,
            decayed,
            taken_on_offer,
            baskets: self.baskets,
            decayed_baskets: self.decayed_baskets,
            last: LastBasketsOf { days: &self.days, offsets: &self.offsets, positions: &self.positions },
            factors: (self.factors.unit(0), self.factors.norm(0)),
            end: self.end,
        }
    }

    pub(crate) fn columns(&self) -> (&ItemStatsColumns, &[u16], &[u64], &[Position]) {
        (&self.stats, &self.days, &self.offsets, &self.positions)
    }
}
