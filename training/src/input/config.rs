use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trolley_model::{MustMatch, Sensitive};

use super::attributes::AttributeColumn;
use super::batch::Forms;
use super::csv::encoding;
use super::findings::FindingKind;
use super::time::TimeFormat;
use crate::gate::GateConfig;
use crate::setting::SettingError;

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
    /// In which attributes an alternative must be like the item that it stands in for, whatever else there is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_match: Vec<MustMatch>,
    /// Categories that are no kind of thing, such as seasonal packages: their items do not stand in for each other. Beside
    /// those that are found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixed_categories: Vec<String>,
    /// Items to be left out of everything, by columns of the items table: `department = ["FUEL"]`.
    #[serde(default)]
    pub exclude: BTreeMap<String, Vec<String>>,
    /// The value of a `market` column that stands for this market; by default the market's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_value: Option<String>,
    /// Training stops when a larger share of a table's rows than this is rejected, 0 to 1.
    #[serde(default = "default_max_rejected")]
    pub max_rejected: f64,
    /// How CSV files are written.
    #[serde(default)]
    pub csv: CsvConfig,
    /// What stands for no value, where it is all that a field holds.
    #[serde(default = "default_nulls")]
    pub nulls: Vec<String>,
    /// How times are written, with strftime's letters; what has one meaning only is read without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_format: Option<String>,
    /// Findings of severity error that do not stop a training.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<FindingKind>,
    /// What a model must reach to be published; without it, the standard gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateConfig>,
    /// Kinds of things that are not shown beside each other, or not spoken of; the service keeps to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<Sensitive>,
}

fn default_max_rejected() -> f64 {
    0.05
}

/// What stands for no value in the exports of databases, spreadsheets and programming languages.
fn default_nulls() -> Vec<String> {
    let words = [
        "NULL", "Null", "null", "(null)", "\\N", "nan", "NaN", "NAN", "None", "none", "NA", "N/A", "n/a", "<NA>",
        "#N/A", "NaT", "nil", "-",
    ];
    words.map(str::to_owned).to_vec()
}

/// How a market's CSV files are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CsvConfig {
    /// What parts the fields: `,`, `;`, `|` or a tab. By default a comma, a tab in .tsv files, and what a line `sep=;` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// The encoding, such as `windows-1252`. By default UTF-8, or UTF-16 where a file begins as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What parts whole numbers from decimals: `.` or `,`.
    pub decimal: char,
}

impl Default for CsvConfig {
    fn default() -> Self {
        Self { separator: None, encoding: None, decimal: '.' }
    }
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
    /// When: a date, a datetime, a text of one, digits such as 202401311805, or Unix time.
    pub timestamp: String,
    /// Who bought it (optional).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The market (optional): rows of other markets are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// How many (optional): rows with 0 or less are returns, and left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// The price of the whole line (optional): rows below 0 are credit notes, and left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The price of one piece (optional), in the place of that of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<String>,
    /// The store (optional).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
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
            unit_price: None,
            store: None,
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
    /// The price of one (optional): requests may ask for items within some, and alternatives cost about the same. Without it,
    /// the median of what customers paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// What else says what an item is like: texts, numbers and amounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeColumn>,
}

impl Default for ItemColumns {
    fn default() -> Self {
        Self { item_id: "item_id".into(), category: "category".into(), name: None, price: None, attributes: Vec::new() }
    }
}

impl ItemColumns {
    fn check(&self) -> Result<(), SettingError> {
        for (at, attribute) in self.attributes.iter().enumerate() {
            attribute.check()?;
            if !trolley_model::attributes::is_free(attribute.name()) {
                return Err(SettingError::new(format!(
                    "columns.items.attributes: `{}` is the name of a signal: give the column another one",
                    attribute.name()
                )));
            }
            if self.attributes[..at].iter().any(|other| other.name() == attribute.name()) {
                return Err(SettingError::new(format!(
                    "columns.items.attributes: `{}` is there twice",
                    attribute.name()
                )));
            }
        }
        Ok(())
    }
}

impl TransactionColumns {
    fn check(&self) -> Result<(), SettingError> {
        if self.price.is_some() && self.unit_price.is_some() {
            return Err(SettingError::new(
                "columns.transactions: give `price`, of the line, or `unit_price`, of one piece; not both",
            ));
        }
        Ok(())
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
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        for (at, name) in self.numbers.iter().enumerate() {
            if trolley_model::signals::index(name).is_some() {
                return Err(SettingError::new(format!(
                    "columns.offers.numbers: `{name}` is a signal's name, give the column another one"
                )));
            }
            if self.numbers[..at].contains(name) {
                return Err(SettingError::new(format!("columns.offers.numbers: `{name}` is there twice")));
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
    /// Checks what the types do not.
    ///
    /// # Errors
    /// The first key that is wrong, and what it must be.
    pub fn check(&self) -> Result<(), SettingError> {
        let CsvConfig { separator, encoding: name, decimal } = &self.csv;
        if !(0.0..=1.0).contains(&self.max_rejected) {
            return Err(SettingError::new("max_rejected must be a share, 0 to 1"));
        }
        if separator.is_some_and(|separator| !separator.is_ascii() || ['"', '\n', '\r'].contains(&separator)) {
            return Err(SettingError::new(
                "csv.separator must be one ASCII character, such as \",\", \";\", \"\\t\" or \"|\"",
            ));
        }
        if let Some(name) = name.as_ref().filter(|name| encoding(name).is_none()) {
            return Err(SettingError::new(format!(
                "csv.encoding = \"{name}\" is not known: give one such as \"utf-8\" or \"windows-1252\""
            )));
        }
        if !['.', ','].contains(decimal) {
            return Err(SettingError::new("csv.decimal must be \".\" or \",\""));
        }
        self.forms()?;
        self.columns.offers.check()?;
        self.columns.items.check()?;
        self.columns.transactions.check()?;
        let attributes = &self.columns.items.attributes;
        for name in self.must_match.iter().flat_map(|rule| &rule.attributes) {
            if !attributes.iter().any(|attribute| attribute.name() == name) {
                return Err(SettingError::new(format!(
                    "must_match names `{name}`, which is not one of columns.items.attributes"
                )));
            }
        }
        self.must_match.iter().try_for_each(MustMatch::check)?;
        self.gate.as_ref().map_or(Ok(()), GateConfig::check)?;
        self.sensitive
            .as_ref()
            .map_or(Ok(()), |sensitive| sensitive.check().map_err(|why| SettingError::new(format!("sensitive: {why}"))))
    }

    /// How values are written.
    ///
    /// # Errors
    /// If `timestamp_format` is no format of a time.
    pub(super) fn forms(&self) -> Result<Forms, SettingError> {
        let time = TimeFormat::new(self.timestamp_format.as_deref())?;
        Ok(Forms { nulls: self.nulls.clone(), time, decimal: self.csv.decimal })
    }

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
