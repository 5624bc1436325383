//! The baskets of a period, with items numbered as in the catalogue.

use std::collections::HashMap;

use trolley_model::catalogue::{CatalogueParts, NO_CATEGORY};
use trolley_model::{Catalogue, Ids, Item, ModelError, Offsets, Texts};

use crate::input::{ANONYMOUS, Basket, Items, Transactions};

/// The input of all learners: baskets by time, and the customers who have any of them.
pub(crate) struct Baskets {
    /// Customer (renumbered, or [`ANONYMOUS`]) and day of each.
    pub(crate) heads: Vec<Basket>,
    /// The CSR offsets of the baskets in `lines`.
    pub(crate) offsets: Offsets,
    /// Item numbers of the catalogue, ascending in each basket.
    pub(crate) lines: Vec<Item>,
    /// The quantity of each line, 0 if unknown; empty without quantities.
    pub(crate) quantities: Vec<f32>,
    /// The customers, sorted by ID.
    pub(crate) customers: Ids,
    /// Number of items bought at least once; these are the first ones.
    pub(crate) bought: usize,
    /// Number of items in enough baskets to be learned; these are the first ones.
    pub(crate) learned: usize,
    /// The day after the last basket.
    pub(crate) end: u16,
}

impl Baskets {
    /// The items of a basket.
    pub(crate) fn items(&self, basket: usize) -> &[Item] {
        &self.lines[self.offsets.range(basket as u32)]
    }

    /// The quantity of each of these items, 0 if unknown; empty without quantities.
    pub(crate) fn quantities(&self, basket: usize) -> &[f32] {
        self.quantities.get(self.offsets.range(basket as u32)).unwrap_or_default()
    }

    /// All baskets, as a sample.
    pub(crate) fn sample(&self) -> BasketSample<'_> {
        BasketSample { offsets: &self.offsets, items: &self.lines }
    }

    /// Number of baskets.
    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }
}

/// The baskets that item embeddings are learned from: all, or a sample.
#[derive(Clone, Copy, Debug)]
pub struct BasketSample<'a> {
    /// The CSR offsets of the baskets in `items`.
    pub offsets: &'a Offsets,
    /// The item numbers of all baskets, ascending in each.
    pub items: &'a [Item],
}

impl BasketSample<'_> {
    /// Number of baskets.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// True if there is no basket.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The items of a basket that are among the first `learned`.
    pub(crate) fn learned_items(&self, basket: u32, learned: usize) -> &[Item] {
        let items = &self.items[self.offsets.range(basket)];
        &items[..items.partition_point(|&item| item.index() < learned)]
    }
}

/// The price of an item without a known price.
const NO_PRICE: f32 = -1.0;

/// Numbers the items of the first `until` baskets, bestsellers first, and renumbers the baskets. If these are all
/// baskets, the other items of the items table follow.
///
/// # Errors
/// If the catalogue is inconsistent or too large.
pub(crate) fn catalogue_and_baskets(
    transactions: &Transactions,
    until: usize,
    table: &Items,
    recent_days: u16,
    min_baskets: u32,
) -> Result<(Catalogue, Baskets), ModelError> {
    let end = transactions.baskets[..until].last().map_or(0, |basket| basket.day + 1);
    let recent_from = transactions.before(end.saturating_sub(recent_days)).min(until);
    let mut all = vec![0u32; transactions.items.len()];
    let latest_from = transactions.before(end.saturating_sub(recent_days / 2)).min(until);
    let (mut recent, mut latest) = (all.clone(), all.clone());
    for basket in 0..until {
        for &item in transactions.items_of(basket) {
            all[item as usize] += 1;
            recent[item as usize] += u32::from(basket >= recent_from);
            latest[item as usize] += u32::from(basket >= latest_from);
        }
    }

    // (ID, number in the transactions if bought)
    let bought = transactions.items.iter().enumerate().map(|(number, id)| (id, Some(number)));
    let bought = bought.filter(|&(_, number)| number.is_some_and(|number| all[number] > 0));
    // Only a model of all baskets knows the unsold items of the table: the table is of today, and a model to be
    // evaluated must not know the future.
    let whole = until == transactions.baskets.len();
    let never = table.iter().filter(|(id, item)| whole && !item.excluded && transactions.items.position(id).is_none());
    let mut order: Vec<(&str, Option<usize>)> = bought.chain(never.map(|(id, _)| (id, None))).collect();
    let count = |number: Option<usize>| number.map_or(0, |number| all[number]);
    order.sort_unstable_by(|a, b| count(b.1).cmp(&count(a.1)).then(a.0.cmp(b.0)));

    let paid = median_prices(transactions, until);
    let mut renumbered = vec![Item(0); transactions.items.len()];
    let mut parts = CatalogueParts::default();
    let (mut ids, mut names) = (Texts::default(), Texts::default());
    for (position, &(id, number)) in order.iter().enumerate() {
        ids.push(id)?;
        let row = table.get(id);
        names.push(row.map_or("", |row| &row.name))?;
        parts.category.push(match row.and_then(|row| row.category.as_deref()) {
            Some(category) => parts.categories.intern(category)?,
            None => NO_CATEGORY,
        });
        let paid = number.and_then(|number| paid.get(number).copied().flatten());
        parts.prices.push(row.and_then(|row| row.price).or(paid).unwrap_or(NO_PRICE));
        parts.baskets.push(count(number));
        parts.recent_baskets.push(number.map_or(0, |number| recent[number]));
        parts.latest_baskets.push(number.map_or(0, |number| latest[number]));
        if let Some(number) = number {
            renumbered[number] = Item(position as u32);
        }
    }
    parts.items =
        Ids::new(ids).map_err(|at| ModelError::Duplicate(format!("item {at} stands in the catalogue twice")))?;
    if !names.text().is_empty() {
        parts.names = names;
    }
    if parts.prices.iter().all(|price| *price == NO_PRICE) {
        parts.prices.clear();
    }
    parts.total_baskets = until as u32;
    parts.total_recent_baskets = (until - recent_from) as u32;
    parts.total_latest_baskets = (until - latest_from) as u32;
    parts.category_baskets = category_baskets(transactions, until, &renumbered, &parts);
    let learned = parts.baskets.partition_point(|&baskets| baskets >= min_baskets.max(1));
    let catalogue = Catalogue::new(parts)?;
    let (customers, heads) = customers_and_heads(transactions, until)?;
    let (mut lines, mut quantities) = (Vec::new(), Vec::new());
    let mut of_basket: Vec<(Item, f32)> = Vec::new();
    for basket in 0..until {
        let (items, of_lines) = (transactions.items_of(basket), transactions.quantities_of(basket));
        let quantity = |at: usize| of_lines.get(at).copied().unwrap_or_default();
        of_basket.clear();
        of_basket.extend(items.iter().enumerate().map(|(at, &item)| (renumbered[item as usize], quantity(at))));
        of_basket.sort_unstable_by_key(|line| line.0);
        lines.extend(of_basket.iter().map(|line| line.0));
        if !of_lines.is_empty() {
            quantities.extend(of_basket.iter().map(|line| line.1));
        }
    }
    let offsets = Offsets::from_lengths((0..until).map(|basket| transactions.items_of(basket).len()));
    let bought = catalogue.bought() as usize;
    Ok((catalogue, Baskets { heads, offsets, lines, quantities, customers, bought, learned, end }))
}

/// The median price of one piece of each item in the first `until` baskets, by the item numbers of the transactions;
/// empty if there are no prices.
fn median_prices(transactions: &Transactions, until: usize) -> Vec<Option<f32>> {
    if transactions.unit_prices.is_empty() {
        return Vec::new();
    }
    let mut priced: Vec<(u32, f32)> = (0..until)
        .flat_map(|basket| {
            transactions.items_of(basket).iter().copied().zip(transactions.prices_of(basket).iter().copied())
        })
        .filter(|(_, price)| !price.is_nan())
        .collect();
    priced.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut medians = vec![None; transactions.items.len()];
    for same in priced.chunk_by(|a, b| a.0 == b.0) {
        medians[same[0].0 as usize] = Some(same[same.len() / 2].1);
    }
    medians
}

/// For each category, the number of the first `until` baskets that contain it.
fn category_baskets(
    transactions: &Transactions,
    until: usize,
    renumbered: &[Item],
    parts: &CatalogueParts,
) -> Vec<u32> {
    let mut counts = vec![0; parts.categories.len()];
    let mut last_seen = vec![usize::MAX; parts.categories.len()];
    for basket in 0..until {
        for &item in transactions.items_of(basket) {
            let category = parts.category[renumbered[item as usize].index()] as usize;
            if category < counts.len() && last_seen[category] != basket {
                last_seen[category] = basket;
                counts[category] += 1;
            }
        }
    }
    counts
}

/// The customers with a basket among the first `until`, renumbered in the same order (by ID), and the baskets' heads
/// with these numbers.
fn customers_and_heads(transactions: &Transactions, until: usize) -> Result<(Ids, Vec<Basket>), ModelError> {
    let mut present: Vec<u32> = transactions.baskets[..until].iter().map(|basket| basket.customer).collect();
    present.sort_unstable();
    present.dedup();
    present.retain(|&customer| customer != ANONYMOUS);
    let mut customers = Ids::default();
    let mut number = HashMap::with_capacity(present.len());
    for customer in present {
        let new = customers.intern(transactions.customers.get(customer))?;
        number.insert(customer, new);
    }
    let renumbered =
        |basket: &Basket| Basket { customer: number.get(&basket.customer).copied().unwrap_or(ANONYMOUS), ..*basket };
    let heads = transactions.baskets[..until].iter().map(renumbered).collect();
    Ok((customers, heads))
}
