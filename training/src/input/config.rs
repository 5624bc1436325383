use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::gate::GateConfig;

/// Where a market's tables lie and what their columns are called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputConfig {
    /// The transactions: a file, folder or glob of Parquet or CSV.
    pub transactions: String,
    /// The items, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// The history of offers, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers: Option<String>,
    /// The tables' column names: ours = theirs.
    #[serde(default)]
    pub columns: Columns,
    /// Items to be left out of everything, by columns of the items table: `department = ["FUEL"]`.
    #[serde(default)]
    pub exclude: BTreeMap<String, Vec<String>>,
    /// The value of a `market` column that stands for this market; by default the market's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_value: Option<String>,
    /// Training stops when a larger share of a table's rows than this is rejected, 0 to 1.
    #[serde(default = "default_max_rejected")]
    pub max_rejected: f64,
    /// What a model must reach to be published; without it, the standard gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateConfig>,
}

fn default_max_rejected() -> f64 {
    0.05
}

/// The names of all columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// Of the transactions.
    pub transactions: TransactionColumns,
    /// Of the items.
    pub items: ItemColumns,
    /// Of the offers.
    pub offers: OfferColumns,
}

/// Columns of the transactions. The optional ones are used if a column of our name is there, or of the name given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransactionColumns {
    /// The basket that the line belongs to.
    pub basket_id: String,
    /// The item bought.
    pub item_id: String,
    /// When: a date, a datetime, a text of one, or Unix seconds or milliseconds.
    pub timestamp: String,
    /// Who bought it (optional).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The market (optional): rows of other markets are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// How many (optional): rows with 0 or less, such as returns, are rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// The price (optional): not used yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
}

impl Default for TransactionColumns {
    fn default() -> Self {
        Self {
            basket_id: "basket_id".into(),
            item_id: "item_id".into(),
            timestamp: "timestamp".into(),
            customer_id: None,
            market: None,
            quantity: None,
            price: None,
        }
    }
}

/// Columns of the items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemColumns {
    /// The item.
    pub item_id: String,
    /// Its category: items of one category can stand in for each other.
    pub category: String,
    /// A name for people (optional): a column, or several to be joined by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<OneOrMany>,
    /// The price (optional): not used yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
}

impl Default for ItemColumns {
    fn default() -> Self {
        Self { item_id: "item_id".into(), category: "category".into(), name: None, price: None }
    }
}

/// Columns of the offers. The optional ones are used if a column of our name is there, or of the name given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfferColumns {
    /// The offer; one with several items has as many rows.
    pub offer_id: String,
    /// An item of it.
    pub item_id: String,
    /// From when it holds (optional).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Until when it holds (optional).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    /// The market (optional): rows of other markets are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// Numbers that say how strong an offer is, such as a discount. The blend learns what they count.
    pub numbers: Vec<String>,
}

impl OfferColumns {
    /// Checks the names of the numbers: the blend weighs them by name, beside the signals.
    ///
    /// # Errors
    /// The name that cannot be, and why.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (at, name) in self.numbers.iter().enumerate() {
            if trolley_model::signals::index(name).is_some() {
                return Err(format!(
                    "columns.offers.numbers: `{name}` is a signal's name, give the column another one"
                ));
            }
            if self.numbers[..at].contains(name) {
                return Err(format!("columns.offers.numbers: `{name}` is there twice"));
            }
        }
        Ok(())
    }
}

impl Default for OfferColumns {
    fn default() -> Self {
        Self {
            offer_id: "offer_id".into(),
            item_id: "item_id".into(),
            valid_from: None,
            valid_to: None,
            market: None,
            numbers: Vec::new(),
        }
    }
}

/// One column or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// The text of one column.
    One(String),
    /// The texts of several, joined by `, `; empty ones are passed over.
    Many(Vec<String>),
}

impl InputConfig {
    /// The value of a `market` column that stands for `market`.
    pub fn value_of<'a>(&'a self, market: &'a str) -> &'a str {
        self.market_value.as_deref().unwrap_or(market)
    }
}

impl OneOrMany {
    /// The columns.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::One(column) => std::slice::from_ref(column),
            Self::Many(columns) => columns,
        }
    }
}
