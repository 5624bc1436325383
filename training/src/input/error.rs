use crate::setting::SettingError;
use std::io;
use std::path::PathBuf;

/// Why the input could not be read. Invalid rows are rejected one by one and are not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum InputError {
    #[error("`{0}` matches no CSV or Parquet file: give a file, a folder that holds some, or a glob")]
    NoFiles(String),
    #[error("`{pattern}` is not a valid glob: {reason}")]
    Glob { pattern: String, reason: String },
    #[error(
        "{path} is neither CSV (.csv, .tsv, also .gz or .zst) nor Parquet by its name, and is not passed over in silence: \
         convert it, move it away, or name the files by a glob such as `folder/*.csv`"
    )]
    Unknown { path: PathBuf },
    #[error(
        "{path} is a table of {format}, whose files also hold rows that are deleted or replaced: export the table as plain \
         Parquet or CSV (with Spark: spark.read.table(…).write.parquet(…)) and give that folder"
    )]
    Lakehouse { path: PathBuf, format: &'static str },
    #[error(
        "the header of {path} does not part into the columns that are wanted, but with another separator it does: set \
         `separator = \"{separator}\"` under [markets.NAME.csv]"
    )]
    Separator { path: PathBuf, separator: &'static str },
    #[error("{path} has two columns `{column}`: rename one")]
    TwoColumns { path: PathBuf, column: String },
    #[error(
        "market_value is `{value}`, but {path} has no column `{column}`, and no folder `{column}=…` in its path: without it, \
         the rows of all markets would be learned as one. Name the column by columns.transactions.market, or remove \
         market_value"
    )]
    NoMarket { path: PathBuf, column: String, value: String },
    #[error("{0}")]
    Setting(#[from] SettingError),
    #[error("the tables are not as they should be:\n  {}", .0.join("\n  "))]
    Findings(Vec<String>),
    #[error("{path} has no column `{column}`{}; it has {}", meant(.column, .found), list(.found))]
    NoColumn { path: PathBuf, column: String, found: Vec<String> },
    #[error("column `{column}` of {path} is {dtype}: {wanted}")]
    Type { path: PathBuf, column: String, dtype: String, wanted: &'static str },
    #[error("{path} cannot be read: {reason}")]
    Read { path: PathBuf, reason: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("no line of the transactions is left: {0}")]
    Nothing(String),
    #[error("there are more than 4 billion distinct IDs, or more than 4 GiB of them")]
    TooLarge(#[from] trolley_model::TooLarge),
    #[error(
        "{rejected} of {rows} rows of the {table} were rejected, a share above max_rejected = {limit}: {reasons}. \
         {list}mend the input or raise the limit"
    )]
    TooManyRejects { table: &'static str, rejected: u64, rows: u64, reasons: String, limit: f64, list: String },
}

fn list(columns: &[String]) -> String {
    let mut list = columns.iter().take(30).map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
    if columns.len() > 30 {
        list.push_str(", …");
    }
    list
}

fn meant(column: &str, found: &[String]) -> String {
    let letters =
        |name: &str| -> String { name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase() };
    let wanted = letters(column);
    let near = found.iter().map(|other| (strsim::jaro_winkler(&wanted, &letters(other)), other));
    match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((likeness, other)) if likeness > 0.75 => format!(" (did you mean `{other}`?)"),
        _ => String::new(),
    }
}
