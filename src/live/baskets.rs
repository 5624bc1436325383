//! The baskets that the shop has pushed: what its customers have bought since the models were trained.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use trolley_model::{Ids, RecentBaskets};

use crate::config::BasketsConfig;
use crate::store::{BasketLine, StoredBasket};

/// The pushed baskets of a market by customer, independent of any model.
///
/// Answers read one customer, under a lock that is held for a look-up. Writers take turns.
#[derive(Debug)]
pub struct PushedBaskets {
    shards: Vec<RwLock<HashMap<Box<str>, Arc<CustomerBaskets>>>>,
    /// The IDs of the items.
    items: RwLock<Ids>,
    counts: Mutex<Counts>,
    /// Time of the latest basket in Unix seconds, also of an anonymous one; [`i64::MIN`] without any.
    last: AtomicI64,
    config: BasketsConfig,
}

/// What writers keep count of.
#[derive(Debug, Default)]
struct Counts {
    customers: usize,
    /// Number of baskets with a customer, by day.
    days: BTreeMap<u16, u32>,
    /// The hashes of the IDs of cancelled baskets, each with its day: a basket may arrive after its cancellation.
    cancelled: HashMap<u64, u16>,
    /// Customers that were removed because there were too many.
    dropped: u64,
}

/// The baskets of one customer, oldest first.
#[derive(Debug, Default)]
pub struct CustomerBaskets {
    baskets: Box<[Head]>,
    /// The lines of all baskets.
    lines: Box<[Line]>,
}

/// A basket.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// The [`RecentBaskets::hash`] of its ID.
    id: u64,
    /// Unix seconds; 32 bits last until 2106.
    time: u32,
    /// Where its lines end.
    end: u32,
}

/// A line of a basket.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// The item's number in [`PushedBaskets::items`].
    item: u32,
    /// 0 if unknown.
    quantity: f32,
}

/// A basket as the shop pushes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Basket {
    /// Its ID.
    pub id: String,
    /// The customer; `None` for an anonymous basket.
    pub customer: Option<String>,
    /// Unix seconds.
    pub time: i64,
    /// The lines, one per item.
    pub lines: Vec<BasketLine>,
}

/// Number of parts that can be written independently of each other's readers.
const SHARDS: usize = 64;

/// Maximum number of distinct items. Lines of further ones stay in the database only.
const MOST_ITEMS: usize = 1_000_000;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The day of a time, in days since 1970-01-01 UTC.
pub(super) fn day(time: i64) -> u16 {
    time.div_euclid(DAY).clamp(0, i64::from(u16::MAX)) as u16
}

impl Default for PushedBaskets {
    fn default() -> Self {
        Self::new(BasketsConfig::default())
    }
}

impl PushedBaskets {
    /// No baskets.
    pub fn new(config: BasketsConfig) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            items: RwLock::default(),
            counts: Mutex::default(),
            last: AtomicI64::new(i64::MIN),
            config,
        }
    }

    /// The limits.
    pub fn config(&self) -> &BasketsConfig {
        &self.config
    }

    /// Adds baskets of the database, except those that are known and those whose customer `is_erased`, and removes
    /// cancelled ones.
    pub fn load(&self, baskets: &[StoredBasket], is_erased: impl Fn(&str) -> bool) {
        let mut counts = self.counts();
        let mut of_customer: HashMap<&str, Vec<(u64, &StoredBasket)>> = HashMap::new();
        for basket in baskets {
            let id = RecentBaskets::hash(&basket.id);
            if basket.cancelled {
                self.cancel(&mut counts, id, basket);
            }
            if counts.cancelled.contains_key(&id) {
                continue;
            }
            self.last.fetch_max(basket.bought, Ordering::Relaxed);
            if let Some(customer) = basket.customer.as_deref().filter(|customer| !is_erased(customer)) {
                of_customer.entry(customer).or_default().push((id, basket));
            }
        }
        for (customer, new) in of_customer {
            self.add(&mut counts, customer, &new);
        }
    }

    fn add(&self, counts: &mut Counts, customer: &str, new: &[(u64, &StoredBasket)]) {
        let mut shard = write(self.shard(customer));
        let mut all = shard.get(customer).map_or_else(Vec::new, |known| known.owned());
        for &(id, basket) in new {
            if all.iter().all(|(head, _)| head.id != id) {
                *counts.days.entry(day(basket.bought)).or_default() += 1;
                let time = basket.bought.clamp(0, i64::from(u32::MAX)) as u32;
                all.push((Head { id, time, end: 0 }, self.lines(&basket.lines)));
            }
        }
        if shard.insert(customer.into(), Arc::new(CustomerBaskets::new(all))).is_none() {
            counts.customers += 1;
        }
    }

    fn cancel(&self, counts: &mut Counts, id: u64, basket: &StoredBasket) {
        counts.cancelled.insert(id, day(basket.bought));
        if let Some(customer) = &basket.customer {
            self.retain(counts, customer, |head| head.id != id);
        }
    }

    /// Removes all baskets of a customer.
    pub fn erase_customer(&self, customer: &str) {
        let mut counts = self.counts();
        self.retain(&mut counts, customer, |_| false);
    }

    /// Removes all baskets of the customers for whom `is_erased` is true. It looks at all customers.
    pub fn erase(&self, is_erased: impl Fn(&str) -> bool) {
        let mut counts = self.counts();
        for shard in &self.shards {
            let gone: Vec<Box<str>> = read(shard).keys().filter(|customer| is_erased(customer)).cloned().collect();
            for customer in gone {
                self.retain(&mut counts, &customer, |_| false);
            }
        }
    }

    /// Removes what is beyond the limits on the present day. It looks at all customers, which takes too long for a thread
    /// that serves requests.
    pub fn tidy(&self, present: u16) {
        let mut counts = self.counts();
        let oldest = present.saturating_sub(self.config.days);
        counts.cancelled.retain(|_, day| *day >= oldest);
        self.drop_beyond(&mut counts);
        if counts.days.keys().next().is_none_or(|first| *first >= oldest) {
            return;
        }
        let is_old = |head: &Head| day(i64::from(head.time)) < oldest;
        for shard in &self.shards {
            let mut old: Vec<Box<str>> = Vec::new();
            for (customer, own) in read(shard).iter() {
                old.extend(own.baskets.first().is_some_and(is_old).then(|| customer.clone()));
            }
            for customer in old {
                self.retain(&mut counts, &customer, |head| !is_old(head));
            }
        }
    }

    /// The baskets of a customer, if there are any.
    pub fn of(&self, customer: &str) -> Option<Arc<CustomerBaskets>> {
        read(self.shard(customer)).get(customer).cloned()
    }

    /// Calls `each` with all customers and their baskets.
    pub fn each(&self, mut each: impl FnMut(&str, &Arc<CustomerBaskets>)) {
        for shard in &self.shards {
            read(shard).iter().for_each(|(customer, baskets)| each(customer, baskets));
        }
    }

    /// The ID of an item, by its number.
    pub fn with_items<T>(&self, use_items: impl FnOnce(&Ids) -> T) -> T {
        use_items(&read(&self.items))
    }

    /// The latest day with enough baskets, up to the day after today.
    pub fn latest_day(&self, today: u16) -> Option<u16> {
        let counts = self.counts();
        let mut days = counts.days.range(..=today.saturating_add(1)).rev();
        days.find(|(_, baskets)| **baskets >= self.config.clock_baskets.get()).map(|(day, _)| *day)
    }

    /// Time of the latest basket in Unix seconds.
    pub fn last(&self) -> Option<i64> {
        Some(self.last.load(Ordering::Relaxed)).filter(|last| *last != i64::MIN)
    }

    /// Number of customers with baskets, and of those dropped because there were too many.
    pub fn customers(&self) -> (usize, u64) {
        let counts = self.counts();
        (counts.customers, counts.dropped)
    }

    /// Whether there are no customers with baskets.
    pub fn is_empty(&self) -> bool {
        self.counts().customers == 0
    }

    fn lines(&self, lines: &[BasketLine]) -> Vec<Line> {
        let mut items = write(&self.items);
        let number = |BasketLine { item: id, quantity, .. }: &BasketLine| {
            let item = match items.position(id) {
                Some(item) => item,
                None if items.len() < MOST_ITEMS => items.intern(id).ok()?,
                None => return None,
            };
            Some(Line { item, quantity: quantity.unwrap_or_default() as f32 })
        };
        lines.iter().filter_map(number).collect()
    }

    /// Keeps some baskets of a customer.
    fn retain(&self, counts: &mut Counts, customer: &str, keep: impl Fn(&Head) -> bool) {
        let mut shard = write(self.shard(customer));
        let Some(known) = shard.get_mut(customer) else { return };
        let (kept, gone): (Vec<_>, Vec<_>) = known.owned().into_iter().partition(|(head, _)| keep(head));
        gone.iter().for_each(|(head, _)| counts.remove_day(head));
        if kept.is_empty() {
            shard.remove(customer);
            counts.customers -= 1;
        } else if !gone.is_empty() {
            *known = Arc::new(CustomerBaskets::new(kept));
        }
    }

    /// If there are too many customers, drops those whose last basket is the oldest.
    fn drop_beyond(&self, counts: &mut Counts) {
        let beyond = counts.customers.saturating_sub(self.config.customers);
        if beyond == 0 {
            return;
        }
        let mut last = Vec::with_capacity(counts.customers);
        self.each(|_, own| last.push(own.last()));
        // The lists may have changed since, but only by the caller, who holds the counts.
        let (older, newest_dropped, _) = last.select_nth_unstable(beyond - 1);
        let mut of_that_second = beyond - older.iter().filter(|time| *time < newest_dropped).count();
        for shard in &self.shards {
            let mut shard = write(shard);
            shard.retain(|_, own| {
                let last = own.last();
                let stays = last > *newest_dropped || (last == *newest_dropped && of_that_second == 0);
                if !stays {
                    of_that_second -= usize::from(last == *newest_dropped);
                    own.baskets.iter().for_each(|head| counts.remove_day(head));
                    counts.customers -= 1;
                    counts.dropped += 1;
                }
                stays
            });
        }
    }

    fn shard(&self, customer: &str) -> &RwLock<HashMap<Box<str>, Arc<CustomerBaskets>>> {
        &self.shards[RecentBaskets::hash(customer) as usize % SHARDS]
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Removes a basket from the count of its day.
    fn remove_day(&mut self, head: &Head) {
        let day = day(i64::from(head.time));
        if let Some(baskets) = self.days.get_mut(&day) {
            *baskets -= 1;
            if *baskets == 0 {
                self.days.remove(&day);
            }
        }
    }
}

impl CustomerBaskets {
    fn new(mut baskets: Vec<(Head, Vec<Line>)>) -> Self {
        // Stable, so that baskets of the same second keep the order in which they came.
        baskets.sort_by_key(|(head, _)| head.time);
        let (mut heads, mut lines) = (Vec::with_capacity(baskets.len()), Vec::new());
        for (head, own) in baskets {
            lines.extend(own);
            heads.push(Head { end: lines.len() as u32, ..head });
        }
        Self { baskets: heads.into(), lines: lines.into() }
    }

    fn owned(&self) -> Vec<(Head, Vec<Line>)> {
        let mut start = 0;
        let own = |head: &Head| {
            let lines = self.lines[start..head.end as usize].to_vec();
            start = head.end as usize;
            (*head, lines)
        };
        self.baskets.iter().map(own).collect()
    }

    /// Time of the last basket.
    fn last(&self) -> u32 {
        self.baskets.last().map_or(0, |head| head.time)
    }

    /// Calls `each` with the hash of each basket's ID, its time in Unix seconds, and its lines, each with the number of
    /// the item and its quantity.
    pub(super) fn each(&self, mut each: impl FnMut(u64, i64, &mut dyn Iterator<Item = (u32, f32)>)) {
        let mut start = 0;
        for head in &self.baskets {
            let lines = &self.lines[start..head.end as usize];
            start = head.end as usize;
            each(head.id, i64::from(head.time), &mut lines.iter().map(|line| (line.item, line.quantity)));
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    /// A basket of a customer, bought at noon of a day.
    fn basket(id: &str, customer: &str, of: u16) -> StoredBasket {
        let line = BasketLine { item: format!("item-{id}"), quantity: None, price: None };
        let (customer, bought) = (Some(customer.to_owned()), i64::from(of) * DAY + DAY / 2);
        StoredBasket { id: id.to_owned(), customer, bought, lines: vec![line], cancelled: false, version: 1 }
    }

    fn load(baskets: &PushedBaskets, all: &[StoredBasket]) {
        baskets.load(all, |customer| customer == "erased");
    }

    fn ids(baskets: &PushedBaskets, customer: &str) -> usize {
        let mut count = 0;
        if let Some(own) = baskets.of(customer) {
            own.each(|_, _, lines| count += lines.count());
        }
        count
    }

    fn small() -> PushedBaskets {
        let config = BasketsConfig {
            customers: 2,
            days: 10,
            clock_baskets: NonZeroU32::new(2).unwrap_or(NonZeroU32::MIN),
            ..BasketsConfig::default()
        };
        PushedBaskets::new(config)
    }

    #[test]
    fn beyond_the_limits_the_oldest_go_and_are_counted() {
        let baskets = small();
        load(&baskets, &[basket("1", "anna", 100), basket("2", "bert", 101), basket("3", "cleo", 102)]);
        load(&baskets, &[basket("4", "anna", 103), basket("5", "dora", 101), basket("6", "erased", 104)]);
        assert_eq!(baskets.customers(), (4, 0));
        baskets.tidy(103);
        assert_eq!(baskets.customers(), (2, 2), "those whose last basket is the oldest");
        assert_eq!(
            [ids(&baskets, "anna"), ids(&baskets, "cleo"), ids(&baskets, "bert"), ids(&baskets, "dora")],
            [2, 1, 0, 0]
        );
        baskets.tidy(111);
        assert_eq!([ids(&baskets, "anna"), ids(&baskets, "cleo")], [1, 1], "the basket of day 100 is too old");
        baskets.tidy(200);
        assert_eq!(baskets.customers(), (0, 2));
    }

    #[test]
    fn a_day_counts_with_enough_baskets_that_are_still_there() {
        let baskets = small();
        assert_eq!((baskets.latest_day(1000), baskets.last()), (None, None));
        load(
            &baskets,
            &[basket("1", "anna", 100), basket("2", "bert", 100), basket("3", "anna", 101), basket("4", "bert", 101)],
        );
        assert_eq!(baskets.latest_day(1000), Some(101));
        assert_eq!((baskets.latest_day(100), baskets.latest_day(99)), (Some(101), Some(100)), "up to tomorrow");
        let cancelled = StoredBasket { cancelled: true, lines: Vec::new(), ..basket("4", "bert", 101) };
        load(&baskets, &[cancelled]);
        assert_eq!(baskets.latest_day(1000), Some(100));
        load(&baskets, &[basket("4", "bert", 101)]);
        assert_eq!(baskets.latest_day(1000), Some(100), "it stays cancelled");
        load(&baskets, &[basket("5", "cleo", 101)]);
        baskets.erase(|customer| customer == "anna");
        assert_eq!((baskets.latest_day(1000), baskets.customers().0), (None, 2));
        assert_eq!(baskets.last(), Some(101 * DAY + DAY / 2));
    }
}
