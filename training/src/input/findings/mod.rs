//! Checks of a market's tables as a whole: the same for `trolley check` and for every training.
//!
//! Rows are checked one by one while they are read ([`RowOutcomes`]); here are the problems that only show once all rows have
//! been read.

mod attributes;
mod columns;
mod files;
mod fit;
mod shape;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Column, InputConfig, InputTable, Items, Offers, RowCount, RowOutcomes, TableRead, Transactions};

/// The kinds of findings. The names are those of `accept` in the config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Files or folders next to the tables that were not read.
    FilesNotRead,
    /// Two files of the same name in two formats, perhaps with the same rows.
    SameTableTwice,
    /// A column that exists in some files and not in others.
    ColumnInSomeFiles,
    /// An optional column is missing, but another has nearly its name.
    ColumnNotUsed,
    /// Lines that are not valid in the file's encoding.
    Encoding,
    /// Lines in which a quote is opened and not closed, or closed too early.
    StrayQuotes,
    /// Rejected rows, whatever the reason.
    RejectedRows,
    /// IDs like `17850.0`.
    FloatIds,
    /// IDs like `5.01E+12`.
    ScientificIds,
    /// IDs with spaces around them.
    PaddedIds,
    /// Items sold that are not in the items table.
    NotInItemsTable,
    /// Items on offer that were never sold.
    OffersNotSold,
    /// No offer was valid during the transactions.
    OffersOutsidePeriod,
    /// `exclude` without an items table.
    ExcludeWithoutItems,
    /// A value of `exclude` that no item has.
    ExcludeMatchesNothing,
    /// One ID with a large share of everything.
    DominantId,
    /// Too many baskets with a single line.
    SingleLineBaskets,
    /// Baskets with several customers or days.
    MixedBaskets,
    /// Lines that repeat an item in its basket.
    RepeatedLines,
    /// A month without lines between months with lines.
    MissingMonth,
    /// Transactions without a customer.
    NoCustomers,
    /// Values of an attribute that cannot be parsed as its kind.
    AttributeNotRead,
    /// Prices paid that are far from those of the items table.
    PricesApart,
}

impl FindingKind {
    /// The name in the config's `accept`.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
    }
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Training stops, unless the config accepts the finding.
    Error,
    /// Training continues.
    Warning,
}

/// A problem of the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its kind.
    pub kind: FindingKind,
    /// Its severity.
    pub severity: Severity,
    /// Whether the config accepts it.
    pub accepted: bool,
    /// The table concerned, if it is one.
    pub table: Option<InputTable>,
    /// What was found, where, and how often.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, what, advice, .. } = self;
        write!(f, "{}: {what}; {advice}", kind.name())?;
        if self.severity == Severity::Error && !self.accepted {
            write!(f, " (or accept it: `accept = [\"{}\"]` under [markets.NAME])", kind.name())?;
        }
        Ok(())
    }
}

/// The rows, files and columns that were read of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLook {
    /// The table.
    pub table: InputTable,
    /// Number of rows read, without blank lines and repeated headers.
    pub rows: u64,
    /// Rows that were left out on purpose, by reason.
    pub left_out: BTreeMap<String, RowCount>,
    /// Rows that were rejected, by reason.
    pub rejected: BTreeMap<String, RowCount>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// Files next to them that were not read.
    pub passed_over: Vec<PathBuf>,
    /// The columns that were used.
    pub columns: Vec<Column>,
}

/// Statistics of a market's tables, and the findings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The tables that the config names.
    pub tables: Vec<TableLook>,
    /// Days of the first and the last basket, `YYYY-MM-DD`.
    pub days: Option<[String; 2]>,
    /// Rows taken by month, `YYYY-MM`, months without rows included.
    pub months: BTreeMap<String, u64>,
    /// Number of distinct lines of a basket and an item.
    pub lines: u64,
    /// Number of further lines, which repeat an item in its basket.
    pub repeated: u64,
    /// Number of baskets.
    pub baskets: u64,
    /// Number of distinct items sold.
    pub items: u64,
    /// Number of distinct customers.
    pub customers: u64,
    /// Number of lines whose item is in the items table; `None` without one.
    pub lines_in_items_table: Option<u64>,
    /// Number of items on offer that were sold, and of all items on offer; `None` without offers.
    pub offered_items_sold: Option<[u64; 2]>,
    /// The findings, errors first.
    pub findings: Vec<Finding>,
}

impl Look {
    /// The errors that the config does not accept.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error && !finding.accepted)
    }
}

/// Checks a market's tables after they have been read.
pub fn look(
    input: &InputConfig,
    transactions: &Transactions,
    items: &Items,
    offers: &Offers,
    row_outcomes: &RowOutcomes,
) -> Look {
    let mut findings = Findings::default();
    let tables = [
        (InputTable::Transactions, true, &transactions.table),
        (InputTable::Items, input.items.is_some(), &items.table),
        (InputTable::Offers, input.offers.is_some(), &offers.table),
    ];
    let mut looks = Vec::new();
    for (table, _, read) in tables.into_iter().filter(|(_, is_there, _)| *is_there) {
        files::find(table, read, &mut findings);
        columns::find(table, read, row_outcomes, &mut findings);
        looks.push(table_look(table, read, row_outcomes));
    }
    let mut look = Look {
        tables: looks,
        lines: transactions.lines.len() as u64,
        repeated: transactions.repeated,
        baskets: transactions.baskets.len() as u64,
        items: transactions.items.len() as u64,
        customers: transactions.customers.len() as u64,
        ..Look::default()
    };
    shape::find(transactions, &mut look, &mut findings);
    fit::find(input, transactions, items, offers, &mut look, &mut findings);
    attributes::find(transactions, items, &mut findings);
    look.findings = findings.0;
    for finding in &mut look.findings {
        finding.accepted = input.accept.contains(&finding.kind);
    }
    look.findings.sort_by_key(|finding| (finding.severity, finding.accepted, finding.kind, finding.table));
    look
}

fn table_look(table: InputTable, read: &TableRead, row_outcomes: &RowOutcomes) -> TableLook {
    TableLook {
        table,
        rows: row_outcomes.rows(table),
        left_out: row_outcomes.left_out(table).map(|(reason, rows)| (reason.name().to_owned(), rows.clone())).collect(),
        rejected: row_outcomes.rejected(table).map(|(reason, rows)| (reason.name().to_owned(), rows.clone())).collect(),
        files: read.files.clone(),
        passed_over: read.passed_over.clone(),
        columns: read.columns.clone(),
    }
}

/// The findings so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, kind: FindingKind, table: InputTable, what: String, advice: &str) {
        self.add(kind, Severity::Error, table, what, advice);
    }

    fn warn(&mut self, kind: FindingKind, table: InputTable, what: String, advice: &str) {
        self.add(kind, Severity::Warning, table, what, advice);
    }

    fn add(&mut self, kind: FindingKind, severity: Severity, table: InputTable, what: String, advice: &str) {
        let (accepted, advice) = (false, advice.to_owned());
        self.0.push(Finding { kind, severity, accepted, table: Some(table), what, advice });
    }
}

/// A share in per cent; one above 0 is never shown as 0.
fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    match part {
        0 => "0 %".to_owned(),
        _ if share < 0.1 => "less than 0.1 %".to_owned(),
        _ => format!("{share:.1} %"),
    }
}
