use std::borrow::Cow;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use polars_core::prelude::{AnyValue, DataFrame, DataType, Series, TimeUnit};

use super::files::{self, Kind};
use super::{InputError, csv, parquet};

/// Some rows of one file, with the columns that were asked for.
pub(super) struct Batch<'a> {
    path: &'a Path,
    frame: DataFrame,
    /// Number of the batch's first row in its file, counted from 1 without the header.
    pub(super) first_row: u64,
}

/// A column that is wanted.
pub(super) struct Wanted {
    /// Its name in the file.
    pub(super) name: String,
    /// Whether the file must have it.
    pub(super) required: bool,
}

impl Wanted {
    /// A column that must be there.
    pub(super) fn required(name: &str) -> Self {
        Self { name: name.to_owned(), required: true }
    }

    /// A column that must be there if its name was given, and is used under its default name if it is there.
    pub(super) fn optional(given: Option<&String>, default: &str) -> Self {
        Self { name: given.map_or(default, String::as_str).to_owned(), required: given.is_some() }
    }
}

/// Reads all files that `pattern` stands for, batch by batch. `on_file` hears each file's path and columns first.
pub(super) fn for_each(
    pattern: &str,
    wanted: &[Wanted],
    mut each: impl FnMut(&Batch<'_>) -> Result<(), InputError>,
) -> Result<(), InputError> {
    for path in files::find(pattern)? {
        let kind = files::kind(&path).ok_or_else(|| InputError::Unknown { path: path.clone() })?;
        let found = match kind {
            Kind::Parquet => parquet::columns(&path)?,
            Kind::Csv => csv::columns(&path)?,
        };
        let mut columns: Vec<String> = Vec::new();
        for column in wanted {
            if found.contains(&column.name) {
                if !columns.contains(&column.name) {
                    columns.push(column.name.clone());
                }
            } else if column.required {
                return Err(InputError::NoColumn { path, column: column.name.clone(), found });
            }
        }
        let mut first_row = 1;
        let mut visit = |frame: DataFrame| {
            let rows = frame.height() as u64;
            each(&Batch { path: &path, frame, first_row })?;
            first_row += rows;
            Ok(())
        };
        match kind {
            Kind::Parquet => parquet::read(&path, &columns, &mut visit)?,
            Kind::Csv => csv::read(&path, &columns, &mut visit)?,
        }
    }
    Ok(())
}

/// The files that `pattern` stands for, each with the names of its columns.
///
/// # Errors
/// If there is none or one cannot be read.
pub fn columns(pattern: &str) -> Result<Vec<(PathBuf, Vec<String>)>, InputError> {
    let mut all = Vec::new();
    for path in files::find(pattern)? {
        let columns = match files::kind(&path) {
            Some(Kind::Parquet) => parquet::columns(&path)?,
            Some(Kind::Csv) => csv::columns(&path)?,
            None => return Err(InputError::Unknown { path }),
        };
        all.push((path, columns));
    }
    Ok(all)
}

impl Batch<'_> {
    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.frame.height()
    }

    /// The file that they are from.
    pub(super) fn path(&self) -> &Path {
        self.path
    }

    fn series(&self, name: &str) -> Option<&Series> {
        self.frame.column(name).ok().map(|column| column.as_materialized_series())
    }

    fn wrong(&self, column: &str, series: &Series, wanted: &'static str) -> InputError {
        InputError::Type {
            path: self.path.to_owned(),
            column: column.to_owned(),
            dtype: series.dtype().to_string(),
            wanted,
        }
    }

    /// A column of IDs or other texts: texts as they are, whole numbers as their digits, and `None` for null and empty.
    /// `None` for a column that is not there.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<Option<Cow<'_, str>>>>, InputError> {
        let Some(series) = self.series(name) else { return Ok(None) };
        let fine =
            series.dtype().is_integer() || *series.dtype() == DataType::String || *series.dtype() == DataType::Null;
        if !fine {
            return Err(self.wrong(name, series, "an ID must be a text or a whole number, so convert the column"));
        }
        let text = |value| match value {
            AnyValue::Null => None,
            AnyValue::String(text) => Some(Cow::Borrowed(text)),
            number => Some(Cow::Owned(number.to_string())),
        };
        Ok(Some(series.iter().map(|value| text(value).filter(|text| !text.is_empty())).collect()))
    }

    /// A column of times in Unix seconds, `None` for what is null or no time.
    pub(super) fn times(&self, name: &str) -> Result<Option<Vec<Option<i64>>>, InputError> {
        let Some(series) = self.series(name) else { return Ok(None) };
        let seconds = |value| match value {
            AnyValue::Date(days) => Some(i64::from(days) * 86_400),
            AnyValue::Datetime(ticks, unit, _) => Some(ticks.div_euclid(match unit {
                TimeUnit::Nanoseconds => 1_000_000_000,
                TimeUnit::Microseconds => 1_000_000,
                TimeUnit::Milliseconds => 1_000,
            })),
            AnyValue::String(text) => parse_time(text),
            AnyValue::Int64(number) => Some(unix_seconds(number)),
            AnyValue::Int32(number) => Some(i64::from(number)),
            AnyValue::UInt32(number) => Some(i64::from(number)),
            _ => None,
        };
        let fine = matches!(
            series.dtype(),
            DataType::Date
                | DataType::Datetime(..)
                | DataType::String
                | DataType::Int64
                | DataType::Int32
                | DataType::UInt32
                | DataType::Null
        );
        if !fine {
            return Err(self.wrong(name, series, "a time must be a date, a datetime, a text of one or Unix seconds"));
        }
        Ok(Some(series.iter().map(seconds).collect()))
    }

    /// A column of numbers, `None` for what is null or no number.
    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<Option<f64>>>, InputError> {
        let Some(series) = self.series(name) else { return Ok(None) };
        let number = |value| match value {
            AnyValue::String(text) => text.trim().parse().ok(),
            AnyValue::Null => None,
            other => other.extract::<f64>(),
        };
        if !(series.dtype().is_primitive_numeric() || matches!(series.dtype(), DataType::String | DataType::Null)) {
            return Err(self.wrong(name, series, "it must be a number"));
        }
        Ok(Some(series.iter().map(number).collect()))
    }
}

/// Whole numbers beyond the year 5138 in seconds are milliseconds.
fn unix_seconds(number: i64) -> i64 {
    if number.abs() > 100_000_000_000 { number.div_euclid(1000) } else { number }
}

/// ISO 8601 dates and times, with or without a zone (then UTC), and Unix seconds or milliseconds in digits.
fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp());
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc().timestamp());
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp());
    }
    text.parse().ok().map(unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_usual_forms() {
        let noon = 1_511_179_200;
        for text in [
            "2017-11-20T12:00:00Z",
            "2017-11-20T13:00:00+01:00",
            "2017-11-20 12:00:00",
            "2017-11-20T12:00:00.000",
            "2017-11-20 12:00",
            "1511179200",
            "1511179200000",
        ] {
            assert_eq!(parse_time(text), Some(noon), "{text}");
        }
        assert_eq!(parse_time("2017-11-20"), Some(noon - 43_200));
        for text in ["", "yesterday", "20.11.2017", "2017-13-01"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
