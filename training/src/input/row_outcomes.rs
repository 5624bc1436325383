//! The outcome of each row: taken, left out on purpose, or rejected because it is invalid.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::InputError;

/// The tables of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum InputTable {
    Transactions,
    Items,
    Offers,
}

impl InputTable {
    /// The name in the config, in messages and in the rejects file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Items => "items",
            Self::Offers => "offers",
        }
    }
}

/// The reason why a row was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RowReason {
    // Rejected: the line is not a record.
    FieldCount,
    StrayQuote,
    OpenQuote,
    NotUtf8,
    // Rejected: a value is missing or invalid.
    NoBasketId,
    NoItemId,
    NoTimestamp,
    BadTimestamp,
    AmbiguousTimestamp,
    EarlyTimestamp,
    FutureTimestamp,
    BadQuantity,
    NoOfferId,
    BadNumber,
    DuplicateItem,
    EndsBeforeItBegins,
    // Left out.
    OtherMarket,
    Excluded,
    Return,
    Blank,
    RepeatedHeader,
}

impl RowReason {
    /// The name in the summary, the manifest and the rejects file.
    pub fn name(self) -> &'static str {
        match self {
            Self::FieldCount => "wrong number of fields",
            Self::StrayQuote => "text behind a closing quote",
            Self::OpenQuote => "quote opened and not closed",
            Self::NotUtf8 => "not valid UTF-8, or not in the encoding that the config names",
            Self::NoBasketId => "no basket_id",
            Self::NoItemId => "no item_id",
            Self::NoTimestamp => "no timestamp",
            Self::BadTimestamp => "bad timestamp",
            Self::AmbiguousTimestamp => "ambiguous timestamp",
            Self::EarlyTimestamp => "timestamp before 1990",
            Self::FutureTimestamp => "timestamp in the future",
            Self::BadQuantity => "bad quantity",
            Self::NoOfferId => "no offer_id",
            Self::BadNumber => "bad number",
            Self::DuplicateItem => "duplicate item",
            Self::EndsBeforeItBegins => "ends before it begins",
            Self::OtherMarket => "other market",
            Self::Excluded => "excluded item",
            Self::Return => "return or credit note (quantity 0 or less, or a negative price)",
            Self::Blank => "blank line",
            Self::RepeatedHeader => "header again",
        }
    }

    /// What to do about it, unless the name makes that clear.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::FieldCount => Some("quote fields that hold the separator"),
            Self::StrayQuote | Self::OpenQuote => Some("quotes inside a quoted field must be doubled"),
            Self::NotUtf8 => Some("set `encoding` under [markets.NAME.csv], for example \"windows-1252\""),
            Self::BadTimestamp => Some(
                "write times as 2024-01-31 18:05:00, or say how they are written with `timestamp_format` (\"excel\" for day \
                     numbers)",
            ),
            Self::AmbiguousTimestamp => Some(
                "day or month may come first: set `timestamp_format`, for example \"%d/%m/%Y %H:%M\" or \
                 \"%m/%d/%Y %H:%M\"",
            ),
            Self::BadQuantity | Self::BadNumber => {
                Some("numbers are written as 2.5; with decimal commas, set `decimal = \",\"` under [markets.NAME.csv]")
            }
            _ => None,
        }
    }
}

/// Maximum number of example rows per reason.
const EXAMPLES: usize = 3;

/// Maximum length of a shown value in characters.
const SHOWN: usize = 60;

/// The place of a row, and its invalid value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The file.
    pub file: String,
    /// Its line, from 1 for the header; in Parquet the row, from 1.
    pub line: u64,
    /// The invalid value, shortened; empty if a value is missing.
    pub value: String,
}

/// The rows with one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCount {
    /// Number of rows.
    pub rows: u64,
    /// The first few of them.
    pub examples: Vec<Example>,
}

impl RowCount {
    fn add(&mut self, file: &Path, line: u64, value: &str) {
        self.rows += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(Example { file: file.display().to_string(), line, value: shown(value) });
        }
    }
}

/// A value in printable form: shortened, with control characters escaped.
pub(super) fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if value.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text.replace("\\\"", "\"").replace("\\'", "'")
}

#[derive(Clone, Debug, Default)]
struct OfTable {
    rows: u64,
    rejected: BTreeMap<RowReason, RowCount>,
    left_out: BTreeMap<RowReason, RowCount>,
}

/// Counts rows by outcome, and lists the rejected ones with table, file, line, reason and value.
///
/// The value is that of the invalid column, which is never the customer's.
#[derive(Debug, Default)]
pub struct RowOutcomes {
    tables: BTreeMap<InputTable, OfTable>,
    list: Option<List>,
}

#[derive(Debug)]
struct List {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    /// If the list cannot be written: whether to go on without it.
    optional: bool,
}

impl RowOutcomes {
    /// Lists rejected rows in a file, which is created at the first one. The file of an earlier run is removed.
    ///
    /// # Errors
    /// If the old file cannot be removed.
    pub fn listed_in(path: &Path) -> Result<Self, InputError> {
        match std::fs::remove_file(path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(InputError::Io { path: path.to_owned(), source })
            }
            _ => {
                Ok(Self { list: Some(List { path: path.to_owned(), file: None, optional: false }), ..Self::default() })
            }
        }
    }

    /// Lists rejected rows in a file if it can be written, and otherwise only counts them.
    pub fn listed_if_possible(path: &Path) -> Self {
        let mut row_outcomes = Self::listed_in(path).unwrap_or_default();
        row_outcomes.list.iter_mut().for_each(|list| list.optional = true);
        row_outcomes
    }

    /// Counts rows, and lists nothing.
    pub fn counted() -> Self {
        Self::default()
    }

    /// Counts rows that were read into a batch.
    pub(super) fn read(&mut self, table: InputTable, rows: u64) {
        self.tables.entry(table).or_default().rows += rows;
    }

    /// Rejects a line that never became a row of a batch; it counts as read.
    pub(super) fn reject(
        &mut self,
        table: InputTable,
        file: &Path,
        line: u64,
        reason: RowReason,
        value: &str,
    ) -> Result<(), InputError> {
        self.read(table, 1);
        self.reject_row(table, file, line, reason, value)
    }

    /// Rejects a row of a batch.
    pub(super) fn reject_row(
        &mut self,
        table: InputTable,
        file: &Path,
        line: u64,
        reason: RowReason,
        value: &str,
    ) -> Result<(), InputError> {
        self.tables.entry(table).or_default().rejected.entry(reason).or_default().add(file, line, value);
        let Some(list) = &mut self.list else { return Ok(()) };
        match list.add(table, file, line, reason, value) {
            Err(_) if list.optional => {
                self.list = None;
                Ok(())
            }
            result => result.map_err(|source| InputError::Io { path: list.path.clone(), source }),
        }
    }

    /// Leaves a row out on purpose. Blank lines and repeated headers do not count as rows.
    pub(super) fn leave_out(&mut self, table: InputTable, file: &Path, line: u64, reason: RowReason, value: &str) {
        self.tables.entry(table).or_default().left_out.entry(reason).or_default().add(file, line, value);
    }

    /// Number of rows of a table that were read, whatever their outcome.
    pub fn rows(&self, table: InputTable) -> u64 {
        self.tables.get(&table).map_or(0, |of| of.rows)
    }

    /// The rejected rows of a table by reason, with examples.
    pub fn rejected(&self, table: InputTable) -> impl Iterator<Item = (RowReason, &RowCount)> {
        self.tables.get(&table).into_iter().flat_map(|of| &of.rejected).map(|(reason, rows)| (*reason, rows))
    }

    /// The rows of a table that were left out, by reason, with examples.
    pub fn left_out(&self, table: InputTable) -> impl Iterator<Item = (RowReason, &RowCount)> {
        self.tables.get(&table).into_iter().flat_map(|of| &of.left_out).map(|(reason, rows)| (*reason, rows))
    }

    /// Number of rows of a table that were left out for a reason.
    pub fn left_out_for(&self, table: InputTable, reason: RowReason) -> u64 {
        self.left_out(table).find(|(of, _)| *of == reason).map_or(0, |(_, rows)| rows.rows)
    }

    /// Number of rejected rows of a table by reason.
    pub fn counts(&self, table: InputTable) -> BTreeMap<String, u64> {
        self.rejected(table).map(|(reason, rows)| (reason.name().to_owned(), rows.rows)).collect()
    }

    /// The list of rejected rows, if one was written.
    pub fn list(&self) -> Option<&Path> {
        self.list.as_ref().filter(|list| list.file.is_some()).map(|list| list.path.as_path())
    }

    /// Refuses a table if too large a share of its rows was rejected. Rows of other markets do not count.
    ///
    /// # Errors
    /// [`InputError::TooManyRejects`] if more than `limit` (0 to 1) were.
    pub fn judge(&self, table: InputTable, limit: f64) -> Result<(), InputError> {
        let rows = self.rows(table) - self.left_out_for(table, RowReason::OtherMarket);
        let rejected: u64 = self.rejected(table).map(|(_, rows)| rows.rows).sum();
        if rejected as f64 <= limit * rows as f64 {
            return Ok(());
        }
        let list = self.list().map_or_else(String::new, |path| format!("look at {}, ", path.display()));
        Err(InputError::TooManyRejects {
            table: table.name(),
            rejected,
            rows,
            reasons: self.reasons(table),
            limit,
            list,
        })
    }

    /// The rejected rows of a table in words: each reason with its number of rows, an example and advice.
    pub(super) fn reasons(&self, table: InputTable) -> String {
        let reason = |(reason, rows): (RowReason, &RowCount)| {
            let example = rows.examples.first().map_or_else(String::new, |example| {
                let value = if example.value.is_empty() { String::new() } else { format!("`{}`, ", example.value) };
                format!(" ({value}line {} of {})", example.line, example.file)
            });
            let advice = reason.advice().map_or_else(String::new, |advice| format!(": {advice}"));
            format!("{} × {}{example}{advice}", rows.rows, reason.name())
        };
        self.rejected(table).map(reason).collect::<Vec<_>>().join("; ")
    }

    /// Flushes the list.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(&mut self) -> Result<(), InputError> {
        let Some(List { path, file: Some(file), optional }) = &mut self.list else { return Ok(()) };
        match file.flush() {
            Err(_) if *optional => {
                self.list = None;
                Ok(())
            }
            result => result.map_err(|source| InputError::Io { path: path.clone(), source }),
        }
    }
}

impl List {
    fn add(
        &mut self,
        table: InputTable,
        file: &Path,
        line: u64,
        reason: RowReason,
        value: &str,
    ) -> std::io::Result<()> {
        let out = match &mut self.file {
            Some(out) => out,
            none => {
                self.path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
                let mut out = BufWriter::new(File::create(&self.path)?);
                writeln!(out, "table,file,line,reason,value")?;
                none.insert(out)
            }
        };
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let (file, reason, value) = (quoted(&file.display().to_string()), quoted(reason.name()), quoted(&shown(value)));
        writeln!(out, "{},{file},{line},{reason},{value}", table.name())
    }
}
