use std::borrow::Cow;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use polars_core::prelude::{AnyValue, Column, DataFrame, DataType, Series, TimeUnit};

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

/// Reads all files that `pattern` stands for, batch by batch.
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
        self.frame.column(name).ok().map(Column::as_materialized_series)
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
    pub(super) fn texts<'a>(&'a self, name: &str) -> Result<Option<Vec<Option<Cow<'a, str>>>>, InputError> {
        let Some(series) = self.series(name) else { return Ok(None) };
        let dtype = series.dtype();
        // A decimal without places is a whole number; SQL and Spark export IDs so.
        let fine = dtype.is_integer()
            || matches!(dtype, DataType::String | DataType::Null | DataType::Categorical(..) | DataType::Decimal(_, 0));
        if !fine {
            return Err(self.wrong(name, series, "it must be a text or a whole number, so convert the column"));
        }
        let text = |value: AnyValue<'a>| match value {
            AnyValue::Null => None,
            AnyValue::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.get_str().map_or_else(|| other.to_string(), str::to_owned))),
        };
        Ok(Some(series.iter().map(text).map(|text| text.filter(|text| !text.is_empty())).collect()))
    }

    /// A column of times. `None` for a column that is not there.
    pub(super) fn times(&self, name: &str) -> Result<Option<Vec<Time>>, InputError> {
        let Some(series) = self.series(name) else { return Ok(None) };
        let time = |value| match value {
            AnyValue::Null => Time::Missing,
            AnyValue::Date(days) => Time::At(i64::from(days) * 86_400),
            AnyValue::Datetime(ticks, unit, _) => Time::At(ticks.div_euclid(match unit {
                TimeUnit::Nanoseconds => 1_000_000_000,
                TimeUnit::Microseconds => 1_000_000,
                TimeUnit::Milliseconds => 1_000,
            })),
            AnyValue::String(text) => parse_time(text),
            number => number.extract::<i64>().and_then(whole_number).map_or(Time::Bad, Time::At),
        };
        let dtype = series.dtype();
        let fine = dtype.is_integer()
            || matches!(dtype, DataType::Date | DataType::Datetime(..) | DataType::String | DataType::Null);
        if !fine {
            return Err(self.wrong(name, series, "a time must be a date, a datetime, a text of one or Unix seconds"));
        }
        Ok(Some(series.iter().map(time).collect()))
    }

    /// A column of numbers: `None` for what is null, and NaN for what is no number.
    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<Option<f64>>>, InputError> {
        let Some(series) = self.series(name) else { return Ok(None) };
        let number = |value| match value {
            AnyValue::String(text) if text.trim().is_empty() => None,
            AnyValue::String(text) => Some(text.trim().parse().unwrap_or(f64::NAN)),
            AnyValue::Null => None,
            other => Some(other.extract().unwrap_or(f64::NAN)),
        };
        let dtype = series.dtype();
        let fine =
            dtype.is_primitive_numeric() || matches!(dtype, DataType::String | DataType::Null | DataType::Decimal(..));
        if !fine {
            return Err(self.wrong(name, series, "it must be a number"));
        }
        Ok(Some(series.iter().map(number).collect()))
    }
}

/// A moment that a row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Unix seconds.
    At(i64),
    /// Null or empty.
    Missing,
    /// Something that is no time.
    Bad,
}

impl Time {
    /// The seconds, if there are any.
    pub(super) fn seconds(self) -> Option<i64> {
        if let Self::At(seconds) = self { Some(seconds) } else { None }
    }
}

/// A time as a whole number: a day as YYYYMMDD, Unix seconds (from 1973) or milliseconds. Smaller numbers are no times:
/// they come from shifted columns.
fn whole_number(number: i64) -> Option<i64> {
    match number {
        19_000_101..=21_491_231 => {
            let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
            midnight(NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?)
        }
        100_000_000..=99_999_999_999 => Some(number),
        100_000_000_000..=99_999_999_999_999 => Some(number / 1000),
        _ => None,
    }
}

fn midnight(date: NaiveDate) -> Option<i64> {
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp())
}

/// ISO 8601 dates and times, with or without a zone (then UTC), or a whole number in digits.
fn parse_time(text: &str) -> Time {
    let text = text.trim();
    if text.is_empty() {
        return Time::Missing;
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Time::At(time.timestamp());
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Time::At(time.and_utc().timestamp());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(midnight);
    date.or_else(|| text.parse().ok().and_then(whole_number)).map_or(Time::Bad, Time::At)
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
            assert_eq!(parse_time(text), Time::At(noon), "{text}");
        }
        assert_eq!(parse_time("2017-11-20"), Time::At(noon - 43_200));
        assert_eq!(parse_time("20171120"), Time::At(noon - 43_200));
        for text in ["yesterday", "20.11.2017", "2017-13-01", "20171399", "55", "-9223372036854775808"] {
            assert_eq!(parse_time(text), Time::Bad, "{text}");
        }
        assert_eq!(parse_time(" "), Time::Missing);
    }
}
