//! The items of a market, bestsellers first.

use crate::category::Category;
use crate::error::ModelError;
use crate::ids::Ids;
use crate::item::Item;
use crate::offsets::Offsets;
use crate::texts::Texts;

/// "No category" in [`Catalogue::all_categories`].
pub const NO_CATEGORY: u32 = u32::MAX;

/// The items. An item's number is its position: descending by baskets, then ascending by ID.
#[derive(Clone, Debug)]
pub struct Catalogue {
    items: Ids,
    names: Texts,
    baskets: Vec<u32>,
    recent_baskets: Vec<u32>,
    latest_baskets: Vec<u32>,
    sales_on_offer: Vec<f32>,
    prices: Vec<f32>,
    category: Vec<u32>,
    categories: Ids,
    category_baskets: Vec<u32>,
    category_purchases: Vec<u64>,
    members: Offsets,
    member: Vec<Item>,
    mixed: Vec<u32>,
    total_baskets: u32,
    total_recent_baskets: u32,
    total_latest_baskets: u32,
}

/// The stored columns of a [`Catalogue`], which documents their meaning.
#[derive(Clone, Debug, Default)]
pub struct CatalogueParts {
    /// The IDs of all items that were bought or are in the items table.
    pub items: Ids,
    /// The display name of each item, empty if unknown; an empty list if there are no names.
    pub names: Texts,
    /// Number of baskets with each item.
    pub baskets: Vec<u32>,
    /// The same in the last days of the period.
    pub recent_baskets: Vec<u32>,
    /// The same in the last half of these days.
    pub latest_baskets: Vec<u32>,
    /// Mean number of baskets with each item per week in which it is on offer; empty without data on offers.
    pub sales_on_offer: Vec<f32>,
    /// The price of each item, below 0 if unknown; empty without prices.
    pub prices: Vec<f32>,
    /// The category of each item, or [`NO_CATEGORY`].
    pub category: Vec<u32>,
    /// The categories' IDs.
    pub categories: Ids,
    /// Number of baskets with any item of each category.
    pub category_baskets: Vec<u32>,
    /// Number of all baskets.
    pub total_baskets: u32,
    /// Number of baskets in the last days of the period.
    pub total_recent_baskets: u32,
    /// Number of baskets in the last half of these days.
    pub total_latest_baskets: u32,
}

impl Catalogue {
    /// Checks the parts against each other and indexes the categories.
    ///
    /// # Errors
    /// An error that describes the mismatch.
    pub fn new(parts: CatalogueParts) -> Result<Self, ModelError> {
        let CatalogueParts {
            items,
            names,
            baskets,
            recent_baskets,
            latest_baskets,
            sales_on_offer,
            prices,
            category,
            categories,
            category_baskets,
            total_baskets,
            total_recent_baskets,
            total_latest_baskets,
        } = parts;
        if category_baskets.len() != categories.len() {
            return Err(ModelError::Length(format!(
                "{} counts of baskets for {} categories",
                category_baskets.len(),
                categories.len()
            )));
        }
        for (what, length) in [
            ("baskets", baskets.len()),
            ("recent_baskets", recent_baskets.len()),
            ("latest_baskets", latest_baskets.len()),
            ("category", category.len()),
        ] {
            if length != items.len() {
                return Err(ModelError::Length(format!("{what} has {length} entries for {} items", items.len())));
            }
        }
        if !names.is_empty() && names.len() != items.len() {
            return Err(ModelError::Length(format!("names has {} entries for {} items", names.len(), items.len())));
        }
        check_sales(&sales_on_offer, items.len())?;
        if !prices.is_empty() && prices.len() != items.len() {
            return Err(ModelError::Length(format!("prices has {} entries for {} items", prices.len(), items.len())));
        }
        if prices.iter().any(|price| !price.is_finite()) {
            return Err(ModelError::Number("a price is not a finite number".into()));
        }
        if let Some(bad) = category.iter().find(|&&c| c != NO_CATEGORY && c as usize >= categories.len()) {
            return Err(ModelError::Range(format!("category {bad} of {}", categories.len())));
        }
        if baskets.windows(2).any(|pair| pair[0] < pair[1]) {
            return Err(ModelError::Order("items are not in falling order of baskets".into()));
        }
        let mut lengths = vec![0usize; categories.len()];
        category.iter().filter(|&&c| c != NO_CATEGORY).for_each(|&c| lengths[c as usize] += 1);
        let members = Offsets::from_lengths(lengths);
        let mut category_purchases = vec![0; categories.len()];
        let mut next: Vec<usize> = (0..categories.len()).map(|c| members.range(c as u32).start).collect();
        let mut member = vec![Item(0); members.as_slice().last().map_or(0, |&end| end as usize)];
        for (item, &c) in category.iter().enumerate().filter(|&(_, &c)| c != NO_CATEGORY) {
            member[next[c as usize]] = Item(item as u32);
            next[c as usize] += 1;
            category_purchases[c as usize] += u64::from(baskets[item]);
        }
        Ok(Self {
            items,
            names,
            baskets,
            recent_baskets,
            latest_baskets,
            sales_on_offer,
            prices,
            category,
            categories,
            category_baskets,
            category_purchases,
            members,
            member,
            mixed: Vec::new(),
            total_baskets,
            total_recent_baskets,
            total_latest_baskets,
        })
    }

    /// Sets the baskets per week on offer of each item.
    ///
    /// # Errors
    /// If there is not one finite number from 0 for each item.
    pub fn with_sales_on_offer(mut self, sales: Vec<f32>) -> Result<Self, ModelError> {
        check_sales(&sales, self.items.len())?;
        self.sales_on_offer = sales;
        Ok(self)
    }

    /// Sets the mixed categories, by ascending number: categories such as seasonal packages, whose items are not
    /// substitutes for each other.
    ///
    /// # Errors
    /// If they are not ascending, or beyond the categories.
    pub fn with_mixed_categories(mut self, mixed: Vec<u32>) -> Result<Self, ModelError> {
        let is_rising = mixed.windows(2).all(|pair| pair[0] < pair[1]);
        if !is_rising || mixed.last().is_some_and(|&last| last as usize >= self.categories.len()) {
            return Err(ModelError::Order("the mixed categories are not rising, or beyond the categories".into()));
        }
        self.mixed = mixed;
        Ok(self)
    }

    /// The mixed categories, ascending.
    pub fn mixed_categories(&self) -> &[u32] {
        &self.mixed
    }

    /// The item's kind: the number of its category, unless that is mixed.
    pub fn kind(&self, item: Item) -> Option<Category> {
        self.category(item).filter(|category| self.mixed.binary_search(&category.0).is_err())
    }

    /// The items' IDs.
    pub fn items(&self) -> &Ids {
        &self.items
    }

    /// The numbers of all items.
    pub fn numbers(&self) -> impl ExactSizeIterator<Item = Item> + use<> {
        (0..self.items.len() as u32).map(Item)
    }

    /// The number of the item with this ID.
    pub fn position(&self, id: &str) -> Option<Item> {
        self.items.position(id).map(Item)
    }

    /// The ID of an item.
    pub fn id(&self, item: Item) -> &str {
        self.items.get(item.0)
    }

    /// The display names; empty if there are none.
    pub fn names(&self) -> &Texts {
        &self.names
    }

    /// The display name of an item, if it has one.
    pub fn name(&self, item: Item) -> Option<&str> {
        (!self.names.is_empty()).then(|| self.names.get(item.0)).filter(|name| !name.is_empty())
    }

    /// Number of baskets with the item.
    pub fn baskets(&self, item: Item) -> u32 {
        self.baskets[item.index()]
    }

    /// Share of the latest baskets (see [`CatalogueParts::latest_baskets`]) that hold the item, 0 to 1.
    pub fn latest_popularity(&self, item: Item) -> f32 {
        share(self.latest_baskets[item.index()], self.total_latest_baskets)
    }

    /// Mean number of baskets with the item per week in which it is on offer; 0 without data on offers.
    pub fn sales_on_offer(&self, item: Item) -> f32 {
        self.sales_on_offer.get(item.index()).copied().unwrap_or(0.0)
    }

    /// The same for all items; empty without data on offers.
    pub fn all_sales_on_offer(&self) -> &[f32] {
        &self.sales_on_offer
    }

    /// The price of an item, if known.
    pub fn price(&self, item: Item) -> Option<f32> {
        self.prices.get(item.index()).copied().filter(|price| *price >= 0.0)
    }

    /// The price of each item, below 0 if unknown; empty without prices.
    pub fn all_prices(&self) -> &[f32] {
        &self.prices
    }

    /// Latest baskets of all items.
    pub fn all_latest_baskets(&self) -> &[u32] {
        &self.latest_baskets
    }

    /// Number of the latest baskets.
    pub fn total_latest_baskets(&self) -> u32 {
        self.total_latest_baskets
    }

    /// Baskets of all items.
    pub fn all_baskets(&self) -> &[u32] {
        &self.baskets
    }

    /// Recent baskets of all items.
    pub fn all_recent_baskets(&self) -> &[u32] {
        &self.recent_baskets
    }

    /// Number of all baskets.
    pub fn total_baskets(&self) -> u32 {
        self.total_baskets
    }

    /// Number of baskets in the last days of the period.
    pub fn total_recent_baskets(&self) -> u32 {
        self.total_recent_baskets
    }

    /// Share of all baskets that hold the item, 0 to 1.
    pub fn popularity(&self, item: Item) -> f32 {
        share(self.baskets[item.index()], self.total_baskets)
    }

    /// Share of recent baskets that hold the item, 0 to 1.
    pub fn recent_popularity(&self, item: Item) -> f32 {
        share(self.recent_baskets[item.index()], self.total_recent_baskets)
    }

    /// The number of the item's category, if it has one.
    pub fn category(&self, item: Item) -> Option<Category> {
        Some(self.category[item.index()]).filter(|&c| c != NO_CATEGORY).map(Category)
    }

    /// Categories of all items, [`NO_CATEGORY`] where there is none.
    pub fn all_categories(&self) -> &[u32] {
        &self.category
    }

    /// The categories' IDs.
    pub fn categories(&self) -> &Ids {
        &self.categories
    }

    /// Number of baskets with any item of the category.
    pub fn category_baskets(&self, category: Category) -> u32 {
        self.category_baskets[category.0 as usize]
    }

    /// The same for all categories.
    pub fn all_category_baskets(&self) -> &[u32] {
        &self.category_baskets
    }

    /// The item's share of the purchases of its category, 0 to 1; 0 without a category.
    pub fn share_of_category(&self, item: Item) -> f32 {
        let purchases = self.category(item).map_or(0, |category| self.category_purchases[category.0 as usize]);
        if purchases == 0 { 0.0 } else { self.baskets(item) as f32 / purchases as f32 }
    }

    /// The items of a category, bestsellers first.
    pub fn members(&self, category: Category) -> &[Item] {
        &self.member[self.members.range(category.0)]
    }

    /// Number of items that were bought at least once; they come first.
    pub fn bought(&self) -> u32 {
        self.baskets.partition_point(|&n| n > 0) as u32
    }
}

fn share(part: u32, whole: u32) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

fn check_sales(sales: &[f32], items: usize) -> Result<(), ModelError> {
    if !sales.is_empty() && sales.len() != items {
        return Err(ModelError::Length(format!("sales_on_offer has {} entries for {items} items", sales.len())));
    }
    if sales.iter().any(|sales| !sales.is_finite() || *sales < 0.0) {
        return Err(ModelError::Number("sales on offer are not a finite number from 0".into()));
    }
    Ok(())
}
