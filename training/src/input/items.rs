use std::collections::BTreeMap;

use trolley_model::Ids;

use super::batch::{self, Wanted};
use super::{InputError, ItemColumns, OneOrMany, Reason, Rejects};

/// The items table.
#[derive(Debug, Default)]
pub struct Items {
    ids: Ids,
    rows: Vec<Item>,
    /// Rows read.
    pub read: u64,
}

/// A row of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// The category, if the row has one.
    pub category: Option<String>,
    /// A name for people, possibly empty.
    pub name: String,
    /// Whether the config's `exclude` names it.
    pub excluded: bool,
}

impl Items {
    /// What the table says of an item.
    pub fn get(&self, id: &str) -> Option<&Item> {
        self.ids.position(id).map(|at| &self.rows[at as usize])
    }

    /// All items in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.ids.iter().zip(&self.rows)
    }

    /// Number of distinct items.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Reads the items. Of several rows for one item the first counts.
///
/// # Errors
/// If a file can't be read or lacks a column.
pub fn read_items(
    pattern: &str,
    columns: &ItemColumns,
    exclude: &BTreeMap<String, Vec<String>>,
    rejects: &mut Rejects,
) -> Result<Items, InputError> {
    let name_columns = columns.name.as_ref().map_or(&["name".to_owned()][..], OneOrMany::columns).to_vec();
    let mut wanted = vec![Wanted::required(&columns.item_id), Wanted::required(&columns.category)];
    wanted.extend(name_columns.iter().map(|name| Wanted { name: name.clone(), required: columns.name.is_some() }));
    wanted.extend(exclude.keys().map(|name| Wanted::required(name)));
    let mut items = Items::default();
    batch::for_each(pattern, &wanted, |batch| {
        let ids = batch.texts(&columns.item_id)?.unwrap_or_default();
        let categories = batch.texts(&columns.category)?.unwrap_or_default();
        let mut names = Vec::new();
        for column in &name_columns {
            names.extend(batch.texts(column)?);
        }
        let mut excluding = Vec::new();
        for (column, values) in exclude {
            excluding.push((batch.texts(column)?.unwrap_or_default(), values));
        }
        for row in 0..batch.rows() {
            items.read += 1;
            let at = batch.first_row + row as u64;
            let Some(id) = &ids[row] else {
                rejects.add("items", batch.path(), at, Reason::NoItemId)?;
                continue;
            };
            if items.ids.intern(id)? as usize != items.rows.len() {
                rejects.add("items", batch.path(), at, Reason::DuplicateItem)?;
                continue;
            }
            let parts: Vec<&str> = names.iter().filter_map(|column| column[row].as_deref()).collect();
            items.rows.push(Item {
                category: categories[row].as_deref().map(str::to_owned),
                name: parts.join(", "),
                excluded: excluding.iter().any(|(column, values)| {
                    column[row].as_deref().is_some_and(|value| values.iter().any(|v| v == value))
                }),
            });
        }
        Ok(())
    })?;
    Ok(items)
}
