use std::collections::{BTreeMap, BTreeSet};

use trolley_model::{Ids, Offsets};

use super::batch::Batch;
use super::column_request::ColumnRequest;
use super::profile::Seen;
use super::read::{self, Request, TableRead};
use super::row_outcomes::shown;
use super::time::{DAY, Time};
use super::{InputConfig, InputError, InputTable, Items, RowOutcomes, RowReason};

/// The value of [`Basket::customer`] for anonymous baskets.
pub const ANONYMOUS: u32 = u32::MAX;

/// All baskets, by time; those of the same second by ID.
#[derive(Debug, Default)]
pub struct Transactions {
    /// The items bought, in no particular order.
    pub items: Ids,
    /// The customers, sorted by ID.
    pub customers: Ids,
    /// The baskets.
    pub baskets: Vec<Basket>,
    /// The CSR offsets of the baskets in `lines`.
    pub rows: Offsets,
    /// The distinct items of each basket, by number, ascending.
    pub lines: Vec<u32>,
    /// The price of one piece for each line, NaN if unknown; empty if no line has a price.
    pub unit_prices: Vec<f32>,
    /// The stores, sorted by ID.
    pub stores: Ids,
    /// The store of each basket, or [`ANONYMOUS`]; empty without stores.
    pub store_of: Vec<u32>,
    /// Number of rows that repeat an item in its basket.
    pub repeated: u64,
    /// Number of baskets with several customers, or with lines more than a day apart: their IDs may have been reused.
    pub merged: u64,
    /// Number of erased customers, which are not in `customers`.
    pub forgotten: u64,
    /// The files and columns that were read.
    pub table: TableRead,
    /// Number of rows taken by day since 1970-01-01.
    pub days: BTreeMap<i64, u64>,
}

/// One basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basket {
    /// Its customer, or [`ANONYMOUS`].
    pub customer: u32,
    /// Its day, in days since 1970-01-01 UTC.
    pub day: u16,
}

impl Transactions {
    /// The items of a basket.
    pub fn items_of(&self, basket: usize) -> &[u32] {
        &self.lines[self.rows.range(basket as u32)]
    }

    /// The price of one piece for each of these items, NaN if unknown; empty if no line has a price.
    pub fn prices_of(&self, basket: usize) -> &[f32] {
        self.unit_prices.get(self.rows.range(basket as u32)).unwrap_or_default()
    }

    /// The store of a basket, if known.
    pub fn store_of(&self, basket: usize) -> Option<u32> {
        self.store_of.get(basket).copied().filter(|store| *store != ANONYMOUS)
    }

    /// The resampling unit of a basket: its customer's number, or for an anonymous basket a number of its own, counted
    /// down from the maximum. Anonymous baskets are independent of each other, unlike those of one customer.
    pub(crate) fn owner(&self, basket: usize) -> u32 {
        match self.baskets[basket].customer {
            ANONYMOUS => ANONYMOUS - basket as u32,
            customer => customer,
        }
    }

    /// The same tables, reduced to these baskets (ascending positions).
    pub(crate) fn only(&self, kept: &[usize]) -> Self {
        Self {
            items: self.items.clone(),
            customers: self.customers.clone(),
            baskets: kept.iter().map(|&basket| self.baskets[basket]).collect(),
            rows: Offsets::from_lengths(kept.iter().map(|&basket| self.items_of(basket).len())),
            lines: kept.iter().flat_map(|&basket| self.items_of(basket)).copied().collect(),
            unit_prices: kept.iter().flat_map(|&basket| self.prices_of(basket)).copied().collect(),
            stores: self.stores.clone(),
            store_of: kept.iter().filter_map(|&basket| self.store_of.get(basket)).copied().collect(),
            ..Self::default()
        }
    }

    /// Erases customers, by their IDs: their baskets become anonymous.
    pub fn forget(&mut self, is_erased: &dyn Fn(&str) -> bool) {
        let gone: Vec<bool> =
            (0..self.customers.len() as u32).map(|customer| is_erased(self.customers.get(customer))).collect();
        if !gone.contains(&true) {
            return;
        }
        let (mut kept, mut numbers) = (Ids::default(), vec![ANONYMOUS; gone.len()]);
        for customer in (0..self.customers.len() as u32).filter(|&customer| !gone[customer as usize]) {
            // There are fewer customers than before, so the numbers suffice.
            numbers[customer as usize] = kept.intern(self.customers.get(customer)).unwrap_or(ANONYMOUS);
        }
        self.forgotten += (gone.len() - kept.len()) as u64;
        self.customers = kept;
        for basket in self.baskets.iter_mut().filter(|basket| basket.customer != ANONYMOUS) {
            basket.customer = numbers[basket.customer as usize];
        }
    }

    /// The number of baskets before a day.
    pub fn before(&self, day: u16) -> usize {
        self.baskets.partition_point(|basket| basket.day < day)
    }
}

/// Earliest accepted time in Unix seconds: 1990. Wrongly parsed times are often in 1970.
const EARLIEST: i64 = 631_152_000;

/// Reads the transactions of a market batch by batch. Rows before 1990 or later than `latest` (Unix seconds) are
/// rejected: a single line dated years ahead would make all others look old.
///
/// # Errors
/// If a file cannot be read, lacks a column or has one of the wrong type, or if no row is left.
pub fn read_transactions(
    input: &InputConfig,
    market: &str,
    latest: i64,
    items: &Items,
    row_outcomes: &mut RowOutcomes,
) -> Result<Transactions, InputError> {
    let columns = &input.columns.transactions;
    let wanted = [
        ColumnRequest::required("basket_id", &columns.basket_id),
        ColumnRequest::required("item_id", &columns.item_id),
        ColumnRequest::required("timestamp", &columns.timestamp),
        ColumnRequest::optional("customer_id", columns.customer_id.as_ref()),
        ColumnRequest::optional("market", columns.market.as_ref()),
        ColumnRequest::optional("quantity", columns.quantity.as_ref()),
        ColumnRequest::optional("price", columns.price.as_ref()),
        ColumnRequest::optional("unit_price", columns.unit_price.as_ref()),
        ColumnRequest::optional("store", columns.store.as_ref()),
    ];
    let forms = input.forms()?;
    let pattern = &input.transactions;
    let request =
        Request { table: InputTable::Transactions, pattern, columns: &wanted, csv: &input.csv, forms: &forms };
    let market = input.value_of(market);
    // The day of a basket is stored in 16 bits, which end in 2149.
    let latest = latest.min(i64::from(u16::MAX) * DAY - 1);
    let mut reader = Reader { latest, ..Reader::default() };
    let table = read::for_each(&request, row_outcomes, |batch, seen, row_outcomes| {
        reader.take(batch, &wanted, (market, input.market_value.is_some()), items, seen, row_outcomes)
    })?;
    reader.finish(table, market, row_outcomes)
}

#[derive(Default)]
struct Reader {
    /// Latest accepted time, in Unix seconds.
    latest: i64,
    items: Ids,
    customers: Ids,
    baskets: Ids,
    heads: Vec<Head>,
    /// (basket, item) per line.
    lines: Vec<(u32, u32)>,
    /// (basket, item, price of one piece) for each line with a price.
    priced: Vec<(u32, u32, f32)>,
    stores: Ids,
    /// Number of rows taken by day.
    days: BTreeMap<i64, u64>,
    /// Names of other markets, up to a maximum.
    others: BTreeSet<String>,
}

/// Maximum number of other markets named in a message.
const OTHERS: usize = 8;

/// What the lines of a basket have in common.
struct Head {
    earliest: i64,
    latest: i64,
    /// The first customer in order of ID.
    customer: u32,
    /// Whether there are several customers.
    several: bool,
    /// The first store in order of ID.
    store: u32,
}

impl Reader {
    fn take(
        &mut self,
        batch: &Batch<'_>,
        wanted: &[ColumnRequest; 9],
        (market, is_given): (&str, bool),
        items: &Items,
        seen: &mut Seen,
        row_outcomes: &mut RowOutcomes,
    ) -> Result<(), InputError> {
        let [basket_id, item_id, timestamp, customer_id, market_column, quantity_column, price, unit_price, store] =
            wanted;
        let markets = batch.markets(market_column, seen)?;
        if markets.is_none() && is_given {
            let (path, column) = (batch.path.to_owned(), market_column.name.clone());
            return Err(InputError::NoMarket { path, column, value: market.to_owned() });
        }
        let basket_ids = batch.texts(basket_id, seen)?.unwrap_or_default();
        let item_ids = batch.texts(item_id, seen)?.unwrap_or_default();
        let times = batch.times(timestamp, seen)?.unwrap_or_default();
        let customer_ids = batch.texts(customer_id, seen)?;
        let quantities = batch.numbers(quantity_column, seen)?;
        let unit_prices = batch.numbers(unit_price, seen)?;
        let prices = batch.numbers(price, seen)?;
        let stores = batch.texts(store, seen)?;
        for row in 0..batch.rows {
            let line = batch.line(row);
            if let Some(other) = markets.as_ref().map(|markets| markets[row].as_deref().unwrap_or_default().trim())
                && other != market
            {
                if self.others.len() < OTHERS && !self.others.contains(other) {
                    self.others.insert(other.to_owned());
                }
                row_outcomes.leave_out(InputTable::Transactions, batch.path, line, RowReason::OtherMarket, other);
                continue;
            }
            let quantity = quantities.as_ref().map_or(Some(1.0), |quantities| quantities[row]);
            let at = |column: &Option<Vec<Option<f64>>>| column.as_ref().and_then(|column| column[row]);
            let (price, of_one) = (at(&prices), at(&unit_prices));
            let is_credit = [price, of_one].into_iter().flatten().any(|price| price < 0.0);
            let (reason, column) = match (&basket_ids[row], &item_ids[row], times[row], quantity) {
                (None, ..) => (RowReason::NoBasketId, basket_id),
                (_, None, ..) => (RowReason::NoItemId, item_id),
                (.., Time::Missing, _) => (RowReason::NoTimestamp, timestamp),
                (.., Time::Bad, _) => (RowReason::BadTimestamp, timestamp),
                (.., Time::Ambiguous, _) => (RowReason::AmbiguousTimestamp, timestamp),
                (.., Time::At(time) | Time::Day(time), _) if time < EARLIEST => (RowReason::EarlyTimestamp, timestamp),
                (.., Time::At(time) | Time::Day(time), _) if time > self.latest => {
                    (RowReason::FutureTimestamp, timestamp)
                }
                (.., quantity) if quantity.is_none_or(|quantity| !quantity.is_finite()) => {
                    (RowReason::BadQuantity, quantity_column)
                }
                (.., Some(quantity)) if quantity <= 0.0 || is_credit => {
                    row_outcomes.leave_out(InputTable::Transactions, batch.path, line, RowReason::Return, "");
                    continue;
                }
                (Some(_), Some(item), ..) if items.get(item).is_some_and(|item| item.excluded) => {
                    row_outcomes.leave_out(InputTable::Transactions, batch.path, line, RowReason::Excluded, item);
                    continue;
                }
                (Some(basket), Some(item), Time::At(time) | Time::Day(time), _) => {
                    let of_one = of_one.or_else(|| Some(price? / quantity.unwrap_or(1.0)));
                    let customer = customer_ids.as_ref().and_then(|ids| ids[row].as_deref());
                    let store = stores.as_ref().and_then(|ids| ids[row].as_deref());
                    self.add(basket, item, time, customer, store, of_one)?;
                    continue;
                }
            };
            row_outcomes.reject_row(InputTable::Transactions, batch.path, line, reason, &batch.shown(column, row))?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        basket: &str,
        item: &str,
        time: i64,
        customer: Option<&str>,
        store: Option<&str>,
        price: Option<f64>,
    ) -> Result<(), InputError> {
        *self.days.entry(time.div_euclid(DAY)).or_default() += 1;
        let customer = customer.map_or(Ok(ANONYMOUS), |id| self.customers.intern(id))?;
        let store = store.map_or(Ok(ANONYMOUS), |id| self.stores.intern(id))?;
        let basket = self.baskets.intern(basket)?;
        match self.heads.get_mut(basket as usize) {
            None => self.heads.push(Head { earliest: time, latest: time, customer, several: false, store }),
            Some(head) => {
                head.earliest = time.min(head.earliest);
                head.latest = time.max(head.latest);
                head.several |= ![head.customer, ANONYMOUS].contains(&customer) && head.customer != ANONYMOUS;
                // Of several customers the first by ID, so that the order of the rows does not matter.
                let id = |customer: u32| self.customers.get(customer);
                if head.customer == ANONYMOUS || (customer != ANONYMOUS && id(customer) < id(head.customer)) {
                    head.customer = customer;
                }
                let id = |store: u32| self.stores.get(store);
                if head.store == ANONYMOUS || (store != ANONYMOUS && id(store) < id(head.store)) {
                    head.store = store;
                }
            }
        }
        let item = self.items.intern(item)?;
        self.lines.push((basket, item));
        if let Some(price) = price.map(|price| price as f32).filter(|price| price.is_finite() && *price > 0.0) {
            self.priced.push((basket, item, price));
        }
        Ok(())
    }

    /// Sorts everything, so that the result does not depend on the distribution of rows over files.
    fn finish(
        mut self,
        table: TableRead,
        market: &str,
        row_outcomes: &RowOutcomes,
    ) -> Result<Transactions, InputError> {
        if self.lines.is_empty() {
            return Err(InputError::Nothing(self.why_nothing(market, row_outcomes)));
        }
        let all = self.lines.len();
        self.lines.sort_unstable();
        self.lines.dedup();
        let repeated = (all - self.lines.len()) as u64;
        let merged = |head: &&Head| head.several || head.latest - head.earliest > 86_400;
        let merged = self.heads.iter().filter(merged).count() as u64;
        let starts: Vec<usize> =
            (0..=self.heads.len()).map(|basket| self.lines.partition_point(|&(b, _)| (b as usize) < basket)).collect();

        let (customers, renumbered) = sorted(&self.customers)?;
        let (stores, store_numbers) = sorted(&self.stores)?;
        // Of several prices of an item in a basket, the lowest counts.
        self.priced.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
        self.priced.dedup_by_key(|priced| (priced.0, priced.1));
        let price = |basket: u32, item: u32| {
            let found = self.priced.binary_search_by_key(&(basket, item), |priced| (priced.0, priced.1));
            found.map_or(f32::NAN, |at| self.priced[at].2)
        };

        let mut order: Vec<u32> = (0..self.heads.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| {
            let key = |basket: u32| (self.heads[basket as usize].earliest, self.baskets.get(basket));
            key(a).cmp(&key(b))
        });
        let place = |basket: u32| starts[basket as usize]..starts[basket as usize + 1];
        let number = |old: u32, numbers: &[u32]| numbers.get(old as usize).copied().unwrap_or(ANONYMOUS);
        let baskets = order.iter().map(|&basket| {
            let Head { earliest, customer, .. } = self.heads[basket as usize];
            Basket { customer: number(customer, &renumbered), day: (earliest / 86_400) as u16 }
        });
        Ok(Transactions {
            baskets: baskets.collect(),
            rows: Offsets::from_lengths(order.iter().map(|&basket| place(basket).len())),
            lines: order.iter().flat_map(|&basket| self.lines[place(basket)].iter().map(|&(_, item)| item)).collect(),
            unit_prices: if self.priced.is_empty() {
                Vec::new()
            } else {
                order
                    .iter()
                    .flat_map(|&basket| &self.lines[place(basket)])
                    .map(|&(basket, item)| price(basket, item))
                    .collect()
            },
            store_of: if stores.is_empty() {
                Vec::new()
            } else {
                order.iter().map(|&basket| number(self.heads[basket as usize].store, &store_numbers)).collect()
            },
            stores,
            items: self.items,
            customers,
            repeated,
            merged,
            forgotten: 0,
            table,
            days: self.days,
        })
    }

    /// The reasons why no line is left.
    fn why_nothing(&self, market: &str, row_outcomes: &RowOutcomes) -> String {
        let mut why = vec![format!("{} rows read", row_outcomes.rows(InputTable::Transactions))];
        why.extend(
            row_outcomes
                .left_out(InputTable::Transactions)
                .map(|(reason, rows)| format!("left out {} × {}", rows.rows, reason.name())),
        );
        if !self.others.is_empty() {
            let others: Vec<String> = self.others.iter().map(|other| format!("`{}`", shown(other))).collect();
            let others = others.join(", ");
            why.push(format!(
                "the market is `{market}`, the tables have {others}: set market_value if it has another name there"
            ));
        }
        let rejected = row_outcomes.reasons(InputTable::Transactions);
        if !rejected.is_empty() {
            why.push(format!("rejected {rejected}"));
        }
        why.join("; ")
    }
}

/// The IDs sorted, and the new number of each old one.
fn sorted(ids: &Ids) -> Result<(Ids, Vec<u32>), InputError> {
    let mut by_id: Vec<u32> = (0..ids.len() as u32).collect();
    by_id.sort_unstable_by_key(|&number| ids.get(number));
    let (mut sorted, mut numbers) = (Ids::default(), vec![0; by_id.len()]);
    for &old in &by_id {
        numbers[old as usize] = sorted.intern(ids.get(old))?;
    }
    Ok((sorted, numbers))
}
