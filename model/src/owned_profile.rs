//! A customer counted from baskets, alone or on top of a model's profile.

use crate::item::Item;
use crate::item_stats::{ItemStats, ItemStatsColumns};
use crate::profile::{LastBasketsOf, Position, Profile};
use crate::vectors::Vectors;

/// A customer counted from baskets.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedProfile {
    stats: ItemStatsColumns,
    baskets: u32,
    decayed_baskets: f32,
    days: Vec<u16>,
    offsets: Vec<u64>,
    positions: Vec<Position>,
    /// The unit vector of the factors, and their norm.
    factors: (Vec<f32>, f32),
    end: u16,
}

/// A basket of one customer.
#[derive(Clone, Copy, Debug)]
pub struct DatedBasket<'a> {
    /// Its day, in days since 1970-01-01.
    pub day: u16,
    /// Its items, ascending.
    pub items: &'a [Item],
    /// The quantity of each item, 0 if unknown; empty if none is known.
    pub quantities: &'a [f32],
}

/// Purchases of an item per week in which it was on offer, given its number and the days of its purchases.
pub type TakenOnOffer<'a> = dyn Fn(Item, &[u16]) -> f32 + 'a;

/// Parameters for counting a profile.
#[derive(Clone, Copy)]
pub struct Counting<'a> {
    /// The day after the present one.
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
    /// Counts baskets, oldest first. The profile has no factors.
    pub fn count(baskets: &[DatedBasket<'_>], counting: &Counting<'_>) -> Self {
        Self::on_top_of(None, baskets, counting)
    }

    /// Counts baskets, oldest first, on top of an earlier profile of the same customer that does not include them:
    /// the same as counting all baskets at once, but for rounding. Two statistics stay as they were for the items of
    /// the earlier profile: the usual quantity, and the purchases on offer. The factors are those of the earlier profile.
    pub fn on_top_of(earlier: Option<Profile<'_>>, baskets: &[DatedBasket<'_>], counting: &Counting<'_>) -> Self {
        let Counting { end, half_life_days, last_baskets, .. } = *counting;
        let earlier = earlier.map(|earlier| earlier.as_of(end, half_life_days));
        let end = earlier.map_or(end, |earlier| earlier.end);
        let decay = |day: u16| (-f32::from(end.saturating_sub(1).saturating_sub(day)) / half_life_days).exp2();
        let mut lines: Vec<(Item, u16, f32)> =
            Vec::with_capacity(baskets.iter().map(|basket| basket.items.len()).sum());
        for &DatedBasket { day, items, quantities } in baskets {
            let quantity = |at: usize| quantities.get(at).copied().unwrap_or(0.0);
            lines.extend(items.iter().enumerate().map(|(at, &item)| (item, day, quantity(at))));
        }
        lines.sort_unstable_by_key(|&(item, day, _)| (item, day));
        let (stats, moved) = merged(earlier.as_ref(), &lines, counting, decay);
        let (mut days, mut offsets, mut positions) = (Vec::new(), vec![0], Vec::new());
        let before = earlier.map_or(0, |earlier| earlier.last.days.len());
        let mut order: Vec<(u16, usize)> =
            earlier.iter().flat_map(|earlier| earlier.last.days).copied().zip(0..).collect();
        order.extend(baskets.iter().map(|basket| basket.day).zip(before..));
        // Stable, so that baskets of the same day keep their order.
        order.sort_by_key(|&(day, _)| day);
        for &(day, basket) in &order[order.len().saturating_sub(last_baskets)..] {
            days.push(day);
            match (basket.checked_sub(before), earlier) {
                (Some(new), _) => {
                    let known = baskets[new].items.iter().filter_map(|item| stats.item.binary_search(item).ok());
                    // Positions are 16 bits: of a history of more than 65,536 items, the bestsellers.
                    positions.extend(known.filter_map(|position| u16::try_from(position).ok()).map(Position));
                }
                (None, Some(Profile { last, .. })) => {
                    let old = &last.positions[last.offsets[basket] as usize..last.offsets[basket + 1] as usize];
                    let moved = old.iter().filter_map(|position| u16::try_from(moved[position.index()]).ok());
                    positions.extend(moved.map(Position));
                }
                (None, None) => {}
            }
            offsets.push(positions.len() as u64);
        }
        let new: f32 = baskets.iter().map(|basket| decay(basket.day)).sum();
        Self {
            stats,
            baskets: earlier.map_or(0, |earlier| earlier.baskets) + baskets.len() as u32,
            decayed_baskets: earlier.map_or(new, |earlier| earlier.decayed_baskets() + new),
            days,
            offsets,
            positions,
            factors: earlier.map_or_else(Default::default, |earlier| (earlier.factors.0.to_vec(), earlier.factors.1)),
            end,
        }
    }

    /// Sets the factors: one row with the model's number of dimensions. A table without exactly one row is ignored.
    #[must_use]
    pub fn with_factors(mut self, factors: &Vectors) -> Self {
        if factors.len() == 1 {
            self.factors = (factors.unit(0).to_vec(), factors.norm(0));
        }
        self
    }

    /// Borrows the profile.
    pub fn as_profile(&self) -> Profile<'_> {
        let ItemStatsColumns { item, baskets, first_day, last_day, decayed, taken_on_offer, quantity } = &self.stats;
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
            factors: (&self.factors.0, self.factors.1),
            quantity,
            end: self.end,
            fade: 1.0,
        }
    }

    pub(crate) fn columns(&self) -> (&ItemStatsColumns, &[u16], &[u64], &[Position]) {
        (&self.stats, &self.days, &self.offsets, &self.positions)
    }
}

/// The statistics of the items of an earlier profile and of lines, sorted by item and day, and the new position of each
/// item of the earlier profile.
fn merged(
    earlier: Option<&Profile<'_>>,
    lines: &[(Item, u16, f32)],
    counting: &Counting<'_>,
    decay: impl Fn(u16) -> f32,
) -> (ItemStatsColumns, Vec<usize>) {
    let known: &[Item] = earlier.map_or(&[], |earlier| earlier.items);
    let has_quantities =
        earlier.is_some_and(|earlier| !earlier.quantity.is_empty()) || lines.iter().any(|line| line.2 > 0.0);
    let has_offers = earlier.is_some_and(|earlier| !earlier.taken_on_offer.is_empty());
    let (mut stats, mut moved) = (ItemStatsColumns::default(), Vec::with_capacity(known.len()));
    let mut add = |position: Option<usize>, item: Item, lines: &[(Item, u16, f32)]| {
        if let Some(taken_on_offer) = counting.taken_on_offer {
            let days: Vec<u16> = lines.iter().map(|line| line.1).collect();
            stats.taken_on_offer.push(taken_on_offer(item, &days));
        } else if has_offers {
            let taken = earlier.zip(position).map_or(0.0, |(earlier, position)| earlier.taken_on_offer(position));
            stats.taken_on_offer.push(taken);
        }
        if has_quantities {
            let of_earlier = earlier.zip(position).and_then(|(earlier, at)| earlier.quantity.get(at)).copied();
            stats.quantity.push(of_earlier.filter(|quantity| *quantity > 0.0).unwrap_or_else(|| median(lines)));
        }
        if position.is_some() {
            moved.push(stats.item.len());
        }
        let before = earlier.zip(position).map(|(earlier, position)| earlier.at(position));
        let days =
            || lines.iter().map(|line| line.1).chain(before.iter().flat_map(|stats| [stats.first_day, stats.last_day]));
        let new: f32 = lines.iter().map(|line| decay(line.1)).sum();
        stats.push(ItemStats {
            item,
            baskets: (lines.len() + before.map_or(0, |stats| usize::from(stats.baskets))).min(usize::from(u16::MAX))
                as u16,
            first_day: days().min().unwrap_or_default(),
            last_day: days().max().unwrap_or_default(),
            decayed: before.map_or(new, |stats| stats.decayed + new),
        });
    };
    let mut next = 0;
    for lines in lines.chunk_by(|a, b| a.0 == b.0) {
        let item = lines[0].0;
        while let Some(&old) = known.get(next).filter(|old| **old < item) {
            add(Some(next), old, &[]);
            next += 1;
        }
        let position = (known.get(next) == Some(&item)).then_some(next);
        next += usize::from(position.is_some());
        add(position, item, lines);
    }
    for (position, &item) in known.iter().enumerate().skip(next) {
        add(Some(position), item, &[]);
    }
    (stats, moved)
}

/// The median of the known quantities, the lower one of two; 0 if none is known.
fn median(lines: &[(Item, u16, f32)]) -> f32 {
    let mut known: Vec<f32> = lines.iter().map(|line| line.2).filter(|quantity| *quantity > 0.0).collect();
    known.sort_unstable_by(f32::total_cmp);
    known.get(known.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}
