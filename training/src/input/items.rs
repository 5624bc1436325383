use std::collections::BTreeMap;

use trolley_model::{Ids, MustMatch};

use super::attributes::{AttributeColumn, AttributeTable};
use super::column_request::ColumnRequest;
use super::read::{self, Request, TableRead};
use super::{InputConfig, InputError, InputTable, OneOrMany, RowOutcomes, RowReason};

/// The items table.
#[derive(Debug, Default)]
pub struct Items {
    ids: Ids,
    rows: Vec<Item>,
    /// The columns of the attributes.
    pub attributes: Vec<AttributeTable>,
    /// The files and columns that were read.
    pub table: TableRead,
    /// Categories that the config names as mixed.
    pub mixed: Vec<String>,
    /// Attributes in which an alternative must equal the requested item, from the config.
    pub must_match: Vec<MustMatch>,
    /// The values of the config's `exclude` that no row has, by column.
    pub unmatched: BTreeMap<String, Vec<String>>,
}

/// A row of the items table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// The category, if the row has one.
    pub category: Option<String>,
    /// The display name, possibly empty.
    pub name: String,
    /// The price, if the row has one.
    pub price: Option<f32>,
    /// Whether the config's `exclude` matches it.
    pub excluded: bool,
    /// The raw values of the attributes, in the order of the config.
    pub attributes: Box<[Option<Box<str>>]>,
}

impl Items {
    /// The row of an item.
    pub fn get(&self, id: &str) -> Option<&Item> {
        self.ids.position(id).map(|at| &self.rows[at as usize])
    }

    /// All items in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.ids.iter().zip(&self.rows)
    }

    /// A table of these rows, each an item and its category.
    #[cfg(test)]
    pub(crate) fn of<'a>(rows: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut items = Self::default();
        for (id, category) in rows {
            items.ids.intern(id).unwrap();
            items.rows.push(Item { category: category.map(str::to_owned), ..Item::default() });
        }
        items
    }

    /// Number of distinct items.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if the table is empty.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Reads a market's items; the table is empty if the config has none. The first of several rows of an item counts.
///
/// # Errors
/// If a file cannot be read or lacks a column.
pub fn read_items(input: &InputConfig, row_outcomes: &mut RowOutcomes) -> Result<Items, InputError> {
    let Some(pattern) = &input.items else { return Ok(Items::default()) };
    let columns = &input.columns.items;
    let default = ["name".to_owned()];
    let name_columns = columns.name.as_ref().map_or(&default[..], OneOrMany::columns);
    let id = ColumnRequest::required("item_id", &columns.item_id);
    let category = ColumnRequest::required("category", &columns.category);
    let price = ColumnRequest::optional("price", columns.price.as_ref());
    let names: Vec<ColumnRequest> = name_columns
        .iter()
        .map(|name| ColumnRequest {
            ours: format!("name: {name}"),
            name: name.clone(),
            required: columns.name.is_some(),
        })
        .collect();
    let excluding: Vec<ColumnRequest> = input.exclude.keys().map(|name| ColumnRequest::required(name, name)).collect();
    let attributes: Vec<ColumnRequest> = columns
        .attributes
        .iter()
        .map(|attribute| ColumnRequest::required(&format!("attribute: {}", attribute.name()), attribute.name()))
        .collect();
    let wanted = [&id, &category, &price].into_iter().chain(&names).chain(&excluding).chain(&attributes);
    let wanted: Vec<ColumnRequest> = wanted.cloned().collect();
    let forms = input.forms()?;
    let request = Request { table: InputTable::Items, pattern, columns: &wanted, csv: &input.csv, forms: &forms };
    let mut items = Items {
        unmatched: input.exclude.clone(),
        mixed: input.mixed_categories.clone(),
        must_match: input.must_match.clone(),
        ..Items::default()
    };
    items.table = read::for_each(&request, row_outcomes, |batch, seen, row_outcomes| {
        let ids = batch.texts(&id, seen)?.unwrap_or_default();
        let categories = batch.texts(&category, seen)?.unwrap_or_default();
        let prices = batch.numbers(&price, seen)?;
        let mut texts = Vec::new();
        for column in &names {
            texts.extend(batch.texts(column, seen)?);
        }
        let mut departments = Vec::new();
        for (column, values) in excluding.iter().zip(input.exclude.values()) {
            departments.push((column.name.as_str(), batch.texts(column, seen)?.unwrap_or_default(), values));
        }
        let mut of_attributes = Vec::new();
        for column in &attributes {
            of_attributes.push(batch.any_texts(column, seen)?.unwrap_or_default());
        }
        for row in 0..batch.rows {
            let line = batch.line(row);
            let Some(id) = &ids[row] else {
                row_outcomes.reject_row(InputTable::Items, batch.path, line, RowReason::NoItemId, "")?;
                continue;
            };
            if items.ids.intern(id)? as usize != items.rows.len() {
                row_outcomes.reject_row(InputTable::Items, batch.path, line, RowReason::DuplicateItem, id)?;
                continue;
            }
            let parts: Vec<&str> = texts.iter().filter_map(|column| column[row].as_deref()).collect();
            let mut excluded = false;
            for (name, column, values) in &departments {
                let Some(value) = column[row].as_deref().filter(|value| values.iter().any(|v| v == value)) else {
                    continue;
                };
                excluded = true;
                if let Some(unmatched) = items.unmatched.get_mut(*name) {
                    unmatched.retain(|other| other != value);
                }
            }
            let category = categories[row].as_deref().map(str::to_owned);
            // A negative price counts as missing, and so does one that is not a number; the column's profile shows
            // those.
            let price = prices.as_ref().and_then(|prices| prices[row]).map(|price| price as f32);
            let price = price.filter(|price| price.is_finite() && *price >= 0.0);
            let attributes = of_attributes.iter().map(|column| column[row].as_deref().map(Box::from)).collect();
            items.rows.push(Item { category, name: parts.join(", "), price, excluded, attributes });
        }
        Ok(())
    })?;
    for (at, column) in columns.attributes.iter().map(AttributeColumn::form).enumerate() {
        let values = items.rows.iter().filter_map(|row| row.attributes[at].as_deref());
        let table = AttributeTable::of(column, values, input.csv.decimal);
        items.attributes.push(table);
    }
    Ok(items)
}
