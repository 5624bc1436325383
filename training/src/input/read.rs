//! Reads the wanted columns of a table batch by batch, file after file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::batch::{Batch, Forms, LineNumbers, Values};
use super::column_request::ColumnRequest;
use super::csv::{Csv, tidy_name};
use super::files::{self, Format};
use super::profile::{Column, Seen};
use super::row_outcomes::{InputTable, RowOutcomes};
use super::{CsvConfig, InputError, parquet};

/// The files and columns that were read of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRead {
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// Files next to them that were not read.
    pub passed_over: Vec<PathBuf>,
    /// The columns that were used.
    pub columns: Vec<Column>,
    /// Columns that exist in some files and not in others: our name, and a file that lacks it.
    pub missing: Vec<(String, PathBuf)>,
    /// Optional columns that do not exist: our name, and a column of nearly that name.
    pub unused: Vec<(String, String)>,
}

/// The columns wanted of a table, and the format of its files.
pub(super) struct Request<'a> {
    pub(super) table: InputTable,
    /// A file, folder or glob.
    pub(super) pattern: &'a str,
    pub(super) columns: &'a [ColumnRequest],
    pub(super) csv: &'a CsvConfig,
    pub(super) forms: &'a Forms,
}

/// Reads all files of a table batch by batch. `each` must take, leave out or reject every row of a batch; lines that
/// are not rows are counted here.
pub(super) fn for_each(
    request: &Request<'_>,
    row_outcomes: &mut RowOutcomes,
    mut each: impl FnMut(&Batch<'_>, &mut Seen, &mut RowOutcomes) -> Result<(), InputError>,
) -> Result<TableRead, InputError> {
    let found = files::find(request.pattern)?;
    let mut read = TableRead { files: found.files, passed_over: found.passed_over, ..TableRead::default() };
    let mut seen = Seen::default();
    let mut presence: Vec<(u32, Option<PathBuf>)> = vec![(0, None); request.columns.len()];
    for path in read.files.clone() {
        let mut file = open(&path, request)?;
        let partitions = files::partitions(&path);
        let mut columns: Vec<(&str, usize)> = Vec::new();
        let mut same: Vec<(&str, String)> = Vec::new();
        for (wanted, presence) in request.columns.iter().zip(&mut presence) {
            let name = wanted.name.as_str();
            let known = columns.iter().any(|(other, _)| *other == name) || same.iter().any(|(other, _)| *other == name);
            let mut places = file.columns.iter().enumerate().filter(|(_, column)| *column == name).map(|(at, _)| at);
            if let Some(at) = places.next() {
                if places.next().is_some() {
                    return Err(InputError::TwoColumns { path, column: name.to_owned() });
                }
                columns.extend((!known).then_some((name, at)));
            } else if let Some((_, value)) = partitions.iter().find(|(partition, _)| partition == name) {
                same.extend((!known).then(|| (name, value.clone())));
            } else if wanted.required {
                return Err(file.lacks(&path, wanted, request));
            } else {
                presence.1.get_or_insert_with(|| path.clone());
                let mut alike = file.columns.iter().chain(partitions.iter().map(|(name, _)| name));
                let meant = alike.find(|column| letters(column) == letters(name));
                if let Some(meant) = meant
                    && read.unused.iter().all(|(ours, _)| *ours != wanted.ours)
                {
                    read.unused.push((wanted.ours.clone(), meant.clone()));
                }
                continue;
            }
            presence.0 += 1;
        }
        let mut visit = |values: Vec<Values>, rows: usize, lines: LineNumbers, row_outcomes: &mut RowOutcomes| {
            let values = columns.iter().map(|(name, _)| *name).zip(values);
            let constant = same.iter().map(|(name, value)| (*name, Values::Same(value.clone())));
            row_outcomes.read(request.table, rows as u64);
            let batch =
                Batch { path: &path, columns: values.chain(constant).collect(), rows, lines, forms: request.forms };
            each(&batch, &mut seen, row_outcomes)
        };
        match &mut file.kind {
            Kind::Parquet => {
                let names: Vec<String> = columns.iter().map(|&(_, at)| file.raw[at].clone()).collect();
                let mut first = 1;
                parquet::read(&path, &names, |series, rows| {
                    let from = LineNumbers::From(first);
                    first += rows as u64;
                    visit(series.into_iter().map(Values::Series).collect(), rows, from, row_outcomes)
                })?;
            }
            Kind::Csv(csv) => {
                let places: Vec<usize> = columns.iter().map(|&(_, at)| at).collect();
                csv.read(request.table, &places, row_outcomes, |values, lines, row_outcomes| {
                    visit(values, lines.len(), LineNumbers::Each(lines), row_outcomes)
                })?;
            }
        }
    }
    row_outcomes.finish()?;
    let missing = request.columns.iter().zip(presence);
    read.missing = missing
        .filter_map(|(wanted, (there, lacks))| Some((wanted.ours.clone(), lacks.filter(|_| there > 0)?)))
        .collect();
    read.columns = seen.finished();
    Ok(read)
}

/// The letters and digits of a name in lower case, to compare spellings.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// An open file, with its column names.
struct Opened<'a> {
    kind: Kind<'a>,
    /// The names trimmed, and as they stand.
    columns: Vec<String>,
    raw: Vec<String>,
}

enum Kind<'a> {
    Parquet,
    Csv(Csv<'a>),
}

fn open<'a>(path: &'a Path, request: &Request<'_>) -> Result<Opened<'a>, InputError> {
    match files::format(path)? {
        Format::Parquet => {
            let raw = parquet::columns(path)?;
            Ok(Opened { kind: Kind::Parquet, columns: raw.iter().map(|name| tidy_name(name)).collect(), raw })
        }
        Format::Csv => {
            let csv = Csv::open(path, request.csv)?;
            Ok(Opened { columns: csv.columns.clone(), raw: Vec::new(), kind: Kind::Csv(csv) })
        }
    }
}

impl Opened<'_> {
    /// The error for a missing column: the wrong separator, if another one fits the header.
    fn lacks(&self, path: &Path, wanted: &ColumnRequest, request: &Request<'_>) -> InputError {
        let path = path.to_owned();
        if let Kind::Csv(csv) = &self.kind {
            let partitions = files::partitions(&path);
            let required = request.columns.iter().filter(|column| column.required).map(|column| column.name.as_str());
            let required = required.filter(|name| partitions.iter().all(|(partition, _)| partition != name));
            if let Some(separator) = csv.fitting_separator(&required.collect::<Vec<_>>()) {
                return InputError::Separator { path, separator };
            }
        }
        InputError::NoColumn { path, column: wanted.name.clone(), found: self.columns.clone() }
    }
}
