use std::borrow::Cow;
use std::collections::HashSet;

use trolley_model::{Ids, Rows};

use super::batch::{self, Batch, Wanted};
use super::{InputConfig, InputError, Items, Reason, Rejects};

/// Stands for "no customer" in [`Basket::customer`].
pub const NOBODY: u32 = u32::MAX;

/// All baskets, oldest first; of the same second, by their ID.
#[derive(Debug)]
pub struct Transactions {
    /// The items bought, in no particular order.
    pub items: Ids,
    /// The customers, sorted by ID.
    pub customers: Ids,
    /// The baskets.
    pub baskets: Vec<Basket>,
    /// Each basket's place in `lines`.
    pub rows: Rows,
    /// The distinct items of each basket, by number, rising.
    pub lines: Vec<u32>,
    /// Rows read.
    pub read: u64,
    /// Rows of other markets.
    pub other_markets: u64,
    /// Rows of items that the config excludes.
    pub excluded: u64,
    /// Rows that repeat an item in its basket.
    pub repeated: u64,
    /// Baskets of several customers, or with lines more than a day apart: perhaps their IDs have been used again.
    pub merged: u64,
}

/// One basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basket {
    /// Its customer, or [`NOBODY`].
    pub customer: u32,
    /// Its day, in days since 1970-01-01 UTC.
    pub day: u16,
}

impl Transactions {
    /// The items of a basket.
    pub fn items_of(&self, basket: usize) -> &[u32] {
        &self.lines[self.rows.range(basket as u32)]
    }

    /// Whose basket it is when customers are drawn: its customer's, counted from 0, or a stranger's own, counted from the
    /// other end. Strangers do not resemble each other as the baskets of one customer do.
    pub(crate) fn owner(&self, basket: usize) -> u32 {
        match self.baskets[basket].customer {
            NOBODY => NOBODY - basket as u32,
            customer => customer,
        }
    }

    /// The same tables with some of the baskets only, by their positions, rising.
    pub(crate) fn only(&self, kept: &[usize]) -> Self {
        Self {
            items: self.items.clone(),
            customers: self.customers.clone(),
            baskets: kept.iter().map(|&basket| self.baskets[basket]).collect(),
            rows: Rows::from_lengths(kept.iter().map(|&basket| self.items_of(basket).len())),
            lines: kept.iter().flat_map(|&basket| self.items_of(basket)).copied().collect(),
            ..*self
        }
    }

    /// Forgets customers, by the BLAKE3 hashes of their IDs: their baskets are nobody's from now on.
    pub fn forget(&mut self, erased: &HashSet<[u8; 32]>) {
        let gone: Vec<bool> = (0..self.customers.len() as u32)
            .map(|customer| erased.contains(&hash(self.customers.get(customer))))
            .collect();
        if !gone.contains(&true) {
            return;
        }
        let (mut kept, mut numbers) = (Ids::default(), vec![NOBODY; gone.len()]);
        for customer in (0..self.customers.len() as u32).filter(|&customer| !gone[customer as usize]) {
            // There are fewer than there were, so that numbers can't run out.
            numbers[customer as usize] = kept.intern(self.customers.get(customer)).unwrap_or(NOBODY);
        }
        self.customers = kept;
        for basket in self.baskets.iter_mut().filter(|basket| basket.customer != NOBODY) {
            basket.customer = numbers[basket.customer as usize];
        }
    }

    /// The number of baskets before a day.
    pub fn before(&self, day: u16) -> usize {
        self.baskets.partition_point(|basket| basket.day < day)
    }
}

fn hash(id: &str) -> [u8; 32] {
    *blake3::hash(id.as_bytes()).as_bytes()
}

/// Reads the transactions of a market, batch by batch. Rows later than `latest` (Unix seconds) are rejected: one line
/// dated years ahead would make everything else look ages old.
///
/// # Errors
/// If a file can't be read, lacks a column or has one of the wrong type, or if nothing is left.
pub fn read_transactions(
    input: &InputConfig,
    market: &str,
    latest: i64,
    items: &Items,
    rejects: &mut Rejects,
) -> Result<Transactions, InputError> {
    let columns = &input.columns.transactions;
    let wanted = [
        Wanted::required(&columns.basket_id),
        Wanted::required(&columns.item_id),
        Wanted::required(&columns.timestamp),
        Wanted::optional(columns.customer_id.as_ref(), "customer_id"),
        Wanted::optional(columns.market.as_ref(), "market"),
        Wanted::optional(columns.quantity.as_ref(), "quantity"),
    ];
    let market = input.value_of(market);
    let mut reader = Reader { latest, ..Reader::default() };
    batch::for_each(&input.transactions, &wanted, |batch| reader.take(batch, &wanted, market, items, rejects))?;
    rejects.finish()?;
    reader.finish(rejects)
}

#[derive(Default)]
struct Reader {
    /// Rows later than this are rejected, in Unix seconds.
    latest: i64,
    items: Ids,
    customers: Ids,
    baskets: Ids,
    heads: Vec<Head>,
    /// (basket, item) per line.
    lines: Vec<(u32, u32)>,
    read: u64,
    other_markets: u64,
    excluded: u64,
}

/// What the lines of a basket have said of it.
struct Head {
    earliest: i64,
    latest: i64,
    /// The first by ID.
    customer: u32,
    /// Whether there are several.
    several: bool,
}

type Texts<'a> = Vec<Option<Cow<'a, str>>>;

impl Reader {
    fn take(
        &mut self,
        batch: &Batch<'_>,
        wanted: &[Wanted; 6],
        market: &str,
        items: &Items,
        rejects: &mut Rejects,
    ) -> Result<(), InputError> {
        let [basket_id, item_id, timestamp, customer_id, market_column, quantity] = wanted;
        let basket_ids = batch.texts(&basket_id.name)?.unwrap_or_default();
        let item_ids = batch.texts(&item_id.name)?.unwrap_or_default();
        let times = batch.times(&timestamp.name)?.unwrap_or_default();
        let customer_ids: Option<Texts<'_>> = batch.texts(&customer_id.name)?;
        let markets = batch.texts(&market_column.name)?;
        let quantities = batch.numbers(&quantity.name)?;
        for row in 0..batch.rows() {
            self.read += 1;
            if markets.as_ref().is_some_and(|markets| markets[row].as_deref() != Some(market)) {
                self.other_markets += 1;
                continue;
            }
            // A basket's day is kept in 16 bits: 1970 to 2149.
            let time = times[row].seconds().filter(|time| (0..i64::from(u16::MAX) * 86_400).contains(time));
            let quantity =
                quantities.as_ref().map_or(Some(1.0), |quantities| quantities[row].filter(|number| !number.is_nan()));
            let reason = match (&basket_ids[row], &item_ids[row], time, quantity) {
                (Some(_), Some(_), Some(time), _) if time > self.latest => Reason::FutureTimestamp,
                (Some(basket), Some(item), Some(time), Some(quantity)) if quantity > 0.0 => {
                    let customer = customer_ids.as_ref().and_then(|ids| ids[row].as_deref());
                    if items.get(item).is_some_and(|item| item.excluded) {
                        self.excluded += 1;
                    } else {
                        self.add(basket, item, time, customer)?;
                    }
                    continue;
                }
                (None, ..) => Reason::NoBasketId,
                (_, None, ..) => Reason::NoItemId,
                (_, _, None, _) => Reason::BadTimestamp,
                (.., None) => Reason::BadQuantity,
                (.., Some(_)) => Reason::NonPositiveQuantity,
            };
            rejects.add("transactions", batch.path(), batch.first_row + row as u64, reason)?;
        }
        Ok(())
    }

    fn add(&mut self, basket: &str, item: &str, time: i64, customer: Option<&str>) -> Result<(), InputError> {
        let customer = customer.map_or(Ok(NOBODY), |id| self.customers.intern(id))?;
        let basket = self.baskets.intern(basket)?;
        match self.heads.get_mut(basket as usize) {
            None => self.heads.push(Head { earliest: time, latest: time, customer, several: false }),
            Some(head) => {
                head.earliest = time.min(head.earliest);
                head.latest = time.max(head.latest);
                head.several |= ![head.customer, NOBODY].contains(&customer) && head.customer != NOBODY;
                // Of several customers the first by ID: whichever row comes first must not matter.
                let id = |customer: u32| self.customers.get(customer);
                if head.customer == NOBODY || (customer != NOBODY && id(customer) < id(head.customer)) {
                    head.customer = customer;
                }
            }
        }
        self.lines.push((basket, self.items.intern(item)?));
        Ok(())
    }

    /// Brings everything into an order that does not depend on how the rows were spread over files.
    fn finish(mut self, rejects: &Rejects) -> Result<Transactions, InputError> {
        if self.lines.is_empty() {
            let rejected: u64 = rejects.counts("transactions").values().sum();
            return Err(InputError::Nothing(format!(
                "{} rows read, {rejected} rejected, {} of other markets, {} excluded",
                self.read, self.other_markets, self.excluded
            )));
        }
        let all = self.lines.len();
        self.lines.sort_unstable();
        self.lines.dedup();
        let repeated = (all - self.lines.len()) as u64;
        let merged = |head: &&Head| head.several || head.latest - head.earliest > 86_400;
        let merged = self.heads.iter().filter(merged).count() as u64;
        let starts: Vec<usize> =
            (0..=self.heads.len()).map(|basket| self.lines.partition_point(|&(b, _)| (b as usize) < basket)).collect();

        let mut by_id: Vec<u32> = (0..self.customers.len() as u32).collect();
        by_id.sort_unstable_by_key(|&customer| self.customers.get(customer));
        let mut customers = Ids::default();
        let mut renumbered = vec![0; by_id.len()];
        for &old in &by_id {
            renumbered[old as usize] = customers.intern(self.customers.get(old))?;
        }

        let mut order: Vec<u32> = (0..self.heads.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| {
            let key = |basket: u32| (self.heads[basket as usize].earliest, self.baskets.get(basket));
            key(a).cmp(&key(b))
        });
        let place = |basket: u32| starts[basket as usize]..starts[basket as usize + 1];
        let baskets = order.iter().map(|&basket| {
            let Head { earliest, customer, .. } = self.heads[basket as usize];
            let customer = if customer == NOBODY { NOBODY } else { renumbered[customer as usize] };
            Basket { customer, day: (earliest / 86_400) as u16 }
        });
        Ok(Transactions {
            baskets: baskets.collect(),
            rows: Rows::from_lengths(order.iter().map(|&basket| place(basket).len())),
            lines: order.iter().flat_map(|&basket| self.lines[place(basket)].iter().map(|&(_, item)| item)).collect(),
            items: self.items,
            customers,
            read: self.read,
            other_markets: self.other_markets,
            excluded: self.excluded,
            repeated,
            merged,
        })
    }
}
