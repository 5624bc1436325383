use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::InputError;

/// Why a row was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Reason {
    NoBasketId,
    NoItemId,
    BadTimestamp,
    FutureTimestamp,
    NonPositiveQuantity,
    BadQuantity,
    NoOfferId,
    BadNumber,
    DuplicateItem,
}

impl Reason {
    /// The name in the summary, the manifest and the rejects file.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoBasketId => "no basket_id",
            Self::NoItemId => "no item_id",
            Self::BadTimestamp => "bad timestamp",
            Self::FutureTimestamp => "timestamp in the future",
            Self::NonPositiveQuantity => "non-positive quantity",
            Self::BadQuantity => "bad quantity",
            Self::NoOfferId => "no offer_id",
            Self::BadNumber => "bad number",
            Self::DuplicateItem => "duplicate item",
        }
    }
}

/// Counts rejected rows and writes where each of them stands: table, file, row and reason.
///
/// No value of a row is written: it may be a customer's.
#[derive(Debug)]
pub struct Rejects {
    counts: BTreeMap<(&'static str, Reason), u64>,
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Rejects {
    /// Begins a file at `path`, whose folder is made if need be.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn to_file(path: &Path) -> Result<Self, InputError> {
        let create = || {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            let mut file = BufWriter::new(File::create(path)?);
            writeln!(file, "table,file,row,reason")?;
            Ok(file)
        };
        let file = create().map_err(|source| InputError::Io { path: path.to_owned(), source })?;
        Ok(Self { counts: BTreeMap::new(), path: path.to_owned(), file: Some(file) })
    }

    /// Counts only.
    pub fn counted() -> Self {
        Self { counts: BTreeMap::new(), path: PathBuf::new(), file: None }
    }

    pub(super) fn add(&mut self, table: &'static str, file: &Path, row: u64, reason: Reason) -> Result<(), InputError> {
        *self.counts.entry((table, reason)).or_default() += 1;
        if let Some(out) = &mut self.file {
            let name = file.display().to_string().replace('"', "\"\"");
            writeln!(out, "{table},\"{name}\",{row},{}", reason.name())
                .map_err(|source| InputError::Io { path: self.path.clone(), source })?;
        }
        Ok(())
    }

    /// How many rows of a table were rejected for each reason so far.
    pub fn counts(&self, table: &str) -> BTreeMap<String, u64> {
        let of_table = self.counts.iter().filter(|((of, _), _)| *of == table);
        of_table.map(|((_, reason), &count)| (reason.name().to_owned(), count)).collect()
    }

    /// Refuses a table of which too large a share was rejected.
    ///
    /// # Errors
    /// [`InputError::TooManyRejects`] if more than `limit` (0 to 1) of its `rows` were.
    pub fn judge(&self, table: &'static str, rows: u64, limit: f64) -> Result<(), InputError> {
        let counts = self.counts(table);
        let rejected: u64 = counts.values().sum();
        if rejected as f64 <= limit * rows as f64 {
            return Ok(());
        }
        let reasons: Vec<String> = counts.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        let (reasons, file) = (reasons.join(", "), self.path.clone());
        Err(InputError::TooManyRejects { table, rejected, rows, reasons, limit, file })
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn finish(&mut self) -> Result<(), InputError> {
        let flush = self.file.as_mut().map_or(Ok(()), Write::flush);
        flush.map_err(|source| InputError::Io { path: self.path.clone(), source })
    }
}
