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

/// Paths and column names of a market's tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputConfig {
    /// Path of the transactions: a file, folder or glob of Parquet or CSV.
    pub transactions: String,
    /// Path of the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// Path of the offer history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers: Option<String>,
    /// The column names of the tables, as `our name = "their name"`.
    #[serde(default)]
    pub columns: Columns,
    /// Attributes in which an alternative must equal the requested item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_match: Vec<MustMatch>,
    /// Mixed categories, such as seasonal packages, whose items are not substitutes for each other; in addition to
    /// those that are detected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixed_categories: Vec<String>,
    /// Items to exclude entirely, by columns of the items table: `department = ["FUEL"]`.
    #[serde(default)]
    pub exclude: BTreeMap<String, Vec<String>>,
    /// The value of this market in the `market` column; by default the market's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_value: Option<String>,
    /// Maximum share of rejected rows per table, 0 to 1; training stops above it.
    #[serde(default = "default_max_rejected")]
    pub max_rejected: f64,
    /// The CSV format.
    #[serde(default)]
    pub csv: CsvConfig,
    /// Texts that stand for null if they are the whole field.
    #[serde(default = "default_nulls")]
    pub nulls: Vec<String>,
    /// The timestamp format in strftime notation; without it, only unambiguous times are parsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_format: Option<String>,
    /// Error findings that do not stop a training.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<FindingKind>,
    /// The conditions for publishing a model; without it, the standard gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateConfig>,
    /// Sensitive categories, which the service neither shows together nor gives reasons for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<Sensitive>,
}

fn default_max_rejected() -> f64 {
    0.05
}

/// Texts that stand for null in the exports of databases, spreadsheets and programming languages.
fn default_nulls() -> Vec<String> {
    let words = [
        "NULL", "Null", "null", "(null)", "\\N", "nan", "NaN", "NAN", "None", "none", "NA", "N/A", "n/a", "<NA>",
        "#N/A", "NaT", "nil", "-",
    ];
    words.map(str::to_owned).to_vec()
}

/// The format of a market's CSV files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CsvConfig {
    /// The field separator: `,`, `;`, `|` or a tab. By default a comma, in .tsv files a tab, or the one in a line
    /// `sep=;`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// The encoding, such as `windows-1252`. By default UTF-8, or UTF-16 if the file begins like it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The decimal sign: `.` or `,`.
    pub decimal: char,
}

impl Default for CsvConfig {
    fn default() -> Self {
        Self { separator: None, encoding: None, decimal: '.' }
    }
}

/// The column names of all tables.
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

/// Columns of the transactions. An optional column is used under the given name, or under our name if it exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransactionColumns {
    /// The basket of the line.
    pub basket_id: String,
    /// The item bought.
    pub item_id: String,
    /// The time: a date, a datetime, a text of one, digits such as 202401311805, or Unix time.
    pub timestamp: String,
    /// The customer (optional).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The market (optional): rows of other markets are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// The quantity (optional): rows with 0 or less are returns, and left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// The price of the whole line (optional): rows below 0 are credit notes, and left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The price of one piece (optional), instead of that of the line.
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
    /// Its category: items of one category can be substitutes.
    pub category: String,
    /// A display name (optional): a column, or several whose texts are joined by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<OneOrMany>,
    /// The price of one piece (optional), for price bands in requests and for comparing alternatives. Without it, the
    /// median of the prices paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// Columns that describe an item: texts, numbers and amounts.
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

/// Columns of the offers. An optional column is used under the given name, or under our name if it exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfferColumns {
    /// The offer; one row per item of the offer.
    pub offer_id: String,
    /// The item on offer.
    pub item_id: String,
    /// The beginning of the offer (optional).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// The end of the offer (optional).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    /// The market (optional): rows of other markets are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// Numeric columns that describe the strength of an offer, such as a discount. The blend learns their weights.
    pub numbers: Vec<String>,
}

impl OfferColumns {
    /// Checks the names of the numbers: the blend weighs them by name, together with the signals.
    ///
    /// # Errors
    /// The invalid name, and the reason.
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
    /// The texts of several, joined by `, `; empty ones are skipped.
    Many(Vec<String>),
}

impl InputConfig {
    /// Checks the constraints that the types do not express.
    ///
    /// # Errors
    /// The first invalid key, and what it must be.
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

    /// The value formats.
    ///
    /// # Errors
    /// If `timestamp_format` is not a valid time format.
    pub(super) fn forms(&self) -> Result<Forms, SettingError> {
        let time = TimeFormat::new(self.timestamp_format.as_deref())?;
        Ok(Forms { nulls: self.nulls.clone(), time, decimal: self.csv.decimal })
    }

    /// The value of `market` in the `market` column.
    pub fn value_of<'a>(&'a self, market: &'a str) -> &'a str {
        self.market_value.as_deref().unwrap_or(market)
    }
}

impl OneOrMany {
    /// All of them as a slice.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::One(column) => std::slice::from_ref(column),
            Self::Many(columns) => columns,
        }
    }
}
