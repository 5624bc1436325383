use std::collections::{BTreeMap, BTreeSet};

use trolley_model::{Ids, Offsets, RecentBaskets};

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
    /// The quantity of each line, 0 if unknown; empty without a column of quantities.
    pub quantities: Vec<f32>,
    /// The [`RecentBaskets::hash`] of each basket's ID; empty if they are not needed.
    pub basket_hashes: Vec<u64>,
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
    /// Number of baskets that were pushed to the service and are not in the tables.
    pub pushed: u64,
    /// The files and columns that were read.
    pub table: TableRead,
    /// Number of rows taken by day since 1970-01-01.
    pub days: BTreeMap<i64, u64>,
}

/// A basket that was pushed to the service.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedBasket {
    /// Its ID.
    pub id: String,
    /// The customer; `None` for an anonymous basket.
    pub customer: Option<String>,
    /// Time of the purchase in Unix seconds.
    pub time: i64,
    /// Its lines.
    pub lines: Vec<PushedLine>,
}

/// A line of a [`PushedBasket`].
#[derive(Clone, Debug, PartialEq)]
pub struct PushedLine {
    /// The item.
    pub item: String,
    /// The quantity, if known.
    pub quantity: Option<f64>,
    /// The price of the line, if known.
    pub price: Option<f64>,
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

    /// The quantity of each of these items, 0 if unknown; empty without quantities.
    pub fn quantities_of(&self, basket: usize) -> &[f32] {
        self.quantities.get(self.rows.range(basket as u32)).unwrap_or_default()
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
            quantities: kept.iter().flat_map(|&basket| self.quantities_of(basket)).copied().collect(),
            basket_hashes: kept.iter().filter_map(|&basket| self.basket_hashes.get(basket)).copied().collect(),
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
    read_with_pushed(input, market, latest, items, &[], row_outcomes)
}

/// As [`read_transactions`], with baskets that were pushed to the service, except those that the tables have.
///
/// # Errors
/// As [`read_transactions`].
pub fn read_with_pushed(
    input: &InputConfig,
    market: &str,
    latest: i64,
    items: &Items,
    pushed: &[PushedBasket],
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
    reader.add_pushed(pushed, items)?;
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
    /// (basket, item, quantity) for each line with a quantity.
    counted: Vec<(u32, u32, f32)>,
    stores: Ids,
    /// Number of rows taken by day.
    days: BTreeMap<i64, u64>,
    /// Number of baskets that were pushed to the service.
    pushed: u64,
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
                    let quantity = quantities.as_ref().and_then(|quantities| quantities[row]);
                    self.add(basket, item, time, customer, store, [of_one, quantity])?;
                    continue;
                }
            };
            row_outcomes.reject_row(InputTable::Transactions, batch.path, line, reason, &batch.shown(column, row))?;
        }
        Ok(())
    }

    /// Adds the pushed baskets that are not in the tables.
    fn add_pushed(&mut self, pushed: &[PushedBasket], items: &Items) -> Result<(), InputError> {
        let in_tables = self.baskets.len() as u32;
        for PushedBasket { id, customer, time, lines } in pushed {
            let is_known = self.baskets.position(id).is_some_and(|basket| basket < in_tables);
            if is_known || !(EARLIEST..=self.latest).contains(time) {
                continue;
            }
            for PushedLine { item, quantity, price } in lines {
                if !items.get(item).is_some_and(|item| item.excluded) {
                    let of_one = price.map(|price| price / quantity.unwrap_or(1.0));
                    self.add(id, item, *time, customer.as_deref(), None, [of_one, *quantity])?;
                }
            }
            self.pushed += 1;
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
        [price, quantity]: [Option<f64>; 2],
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
        let known =
            |number: Option<f64>| number.map(|number| number as f32).filter(|one| one.is_finite() && *one > 0.0);
        self.priced.extend(known(price).map(|price| (basket, item, price)));
        self.counted.extend(known(quantity).map(|quantity| (basket, item, quantity)));
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
        // The lines of an item in a basket are one line, with their quantities added up.
        self.counted.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
        self.counted.dedup_by(|next, first| {
            let same = (next.0, next.1) == (first.0, first.1);
            first.2 += if same { next.2 } else { 0.0 };
            same
        });
        let of_line = |known: &[(u32, u32, f32)], line: (u32, u32), unknown: f32| {
            let found = known.binary_search_by_key(&line, |known| (known.0, known.1));
            found.map_or(unknown, |at| known[at].2)
        };

        let mut order: Vec<u32> = (0..self.heads.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| {
            let key = |basket: u32| (self.heads[basket as usize].earliest, self.baskets.get(basket));
            key(a).cmp(&key(b))
        });
        let place = |basket: u32| starts[basket as usize]..starts[basket as usize + 1];
        let by_line = |known: &[(u32, u32, f32)], unknown: f32| -> Vec<f32> {
            let lines = order.iter().flat_map(|&basket| &self.lines[place(basket)]);
            if known.is_empty() { Vec::new() } else { lines.map(|&line| of_line(known, line, unknown)).collect() }
        };
        let number = |old: u32, numbers: &[u32]| numbers.get(old as usize).copied().unwrap_or(ANONYMOUS);
        let baskets = order.iter().map(|&basket| {
            let Head { earliest, customer, .. } = self.heads[basket as usize];
            Basket { customer: number(customer, &renumbered), day: (earliest / 86_400) as u16 }
        });
        Ok(Transactions {
            baskets: baskets.collect(),
            rows: Offsets::from_lengths(order.iter().map(|&basket| place(basket).len())),
            lines: order.iter().flat_map(|&basket| self.lines[place(basket)].iter().map(|&(_, item)| item)).collect(),
            unit_prices: by_line(&self.priced, f32::NAN),
            quantities: by_line(&self.counted, 0.0),
            basket_hashes: order.iter().map(|&basket| RecentBaskets::hash(self.baskets.get(basket))).collect(),
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
            pushed: self.pushed,
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
