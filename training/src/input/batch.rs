use std::borrow::Cow;
use std::path::Path;

use polars_core::prelude::{AnyValue, DataType, Series, TimeUnit};

use super::column_request::ColumnRequest;
use super::time::{Time, TimeFormat, whole_number};
use super::{InputError, number, profile::Seen};

/// Some rows of one file, with the requested columns.
pub(super) struct Batch<'a> {
    pub(super) path: &'a Path,
    /// Keyed by the column names in the file.
    pub(super) columns: Vec<(&'a str, Values)>,
    pub(super) rows: usize,
    pub(super) lines: LineNumbers,
    pub(super) forms: &'a Forms,
}

/// The values of a column.
pub(super) enum Values {
    /// Of a CSV file.
    Texts(Texts),
    /// Of a Parquet file.
    Series(Series),
    /// One value for all rows, from a folder name.
    Same(String),
}

/// Texts stored end to end.
#[derive(Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    fn get(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }
}

/// The line numbers of a batch's rows in their file.
pub(super) enum LineNumbers {
    /// The number of the first row; the others follow consecutively.
    From(u64),
    /// One number per row.
    Each(Vec<u64>),
}

/// The value formats of a market's tables.
#[derive(Clone, Debug, Default)]
pub(super) struct Forms {
    /// Texts that stand for null.
    pub(super) nulls: Vec<String>,
    pub(super) time: TimeFormat,
    /// The decimal sign.
    pub(super) decimal: char,
}

impl Forms {
    /// The trimmed text; `None` for null.
    fn value<'a>(&self, text: &'a str) -> Option<&'a str> {
        let text = text.trim();
        (!text.is_empty() && !self.nulls.iter().any(|null| null == text)).then_some(text)
    }
}

/// The texts of a column, `None` for null.
pub(super) type Column<'a> = Vec<Option<Cow<'a, str>>>;

impl Batch<'_> {
    /// The line number of a row in its file; in Parquet the row number, from 1.
    pub(super) fn line(&self, row: usize) -> u64 {
        match &self.lines {
            LineNumbers::From(first) => first + row as u64,
            LineNumbers::Each(lines) => lines[row],
        }
    }

    fn values(&self, name: &str) -> Option<&Values> {
        self.columns.iter().find(|column| column.0 == name).map(|column| &column.1)
    }

    fn wrong(&self, column: &str, series: &Series, wanted: &'static str) -> InputError {
        InputError::Type {
            path: self.path.to_owned(),
            column: column.to_owned(),
            dtype: series.dtype().to_string(),
            wanted,
        }
    }

    /// A column of IDs or other texts, trimmed; integers become their decimal digits. `None` if the column does not
    /// exist.
    pub(super) fn texts(&self, wanted: &ColumnRequest, seen: &mut Seen) -> Result<Option<Column<'_>>, InputError> {
        let Some(texts) = self.raw(wanted)? else { return Ok(None) };
        let profile = seen.column(wanted);
        let mut column = Vec::with_capacity(texts.len());
        for text in texts {
            let value = text.as_deref().and_then(|text| self.forms.value(text));
            profile.add(text.as_deref(), value);
            // A text that needs no trimming is not copied.
            column.push(match (value.map(str::len), text) {
                (Some(length), Some(text)) if length == text.len() => Some(text),
                (Some(_), Some(Cow::Borrowed(text))) => Some(Cow::Borrowed(text.trim())),
                (Some(_), Some(Cow::Owned(text))) => Some(Cow::Owned(text.trim().to_owned())),
                _ => None,
            });
        }
        Ok(Some(column))
    }

    /// A column of texts or numbers, converted to texts.
    pub(super) fn any_texts(&self, wanted: &ColumnRequest, seen: &mut Seen) -> Result<Option<Column<'_>>, InputError> {
        let Some(Values::Series(series)) = self.values(&wanted.name) else { return self.texts(wanted, seen) };
        if !matches!(series.dtype(), DataType::Float32 | DataType::Float64 | DataType::Boolean | DataType::Decimal(..))
        {
            return self.texts(wanted, seen);
        }
        let profile = seen.column(wanted);
        let text = |value| {
            let text = match value {
                AnyValue::Null => None,
                AnyValue::Boolean(value) => Some(value.to_string()),
                other => other.extract::<f64>().filter(|number| !number.is_nan()).map(|number| number.to_string()),
            };
            profile.add(text.as_deref(), text.as_deref());
            text.map(Cow::Owned)
        };
        Ok(Some(series.iter().map(text).collect()))
    }

    /// A column of market names. Only null and blank count as missing: a market may be called like one of the null
    /// words.
    pub(super) fn markets(&self, wanted: &ColumnRequest, seen: &mut Seen) -> Result<Option<Column<'_>>, InputError> {
        let Some(mut texts) = self.raw(wanted)? else { return Ok(None) };
        let profile = seen.column(wanted);
        for text in &mut texts {
            *text = text.take().filter(|text| !text.trim().is_empty());
            profile.add(text.as_deref(), text.as_deref().map(str::trim));
        }
        Ok(Some(texts))
    }

    fn raw(&self, wanted: &ColumnRequest) -> Result<Option<Column<'_>>, InputError> {
        let series = match self.values(&wanted.name) {
            None => return Ok(None),
            Some(Values::Texts(texts)) => {
                return Ok(Some((0..self.rows).map(|row| Some(Cow::Borrowed(texts.get(row)))).collect()));
            }
            Some(Values::Same(text)) => {
                return Ok(Some((0..self.rows).map(|_| Some(Cow::Borrowed(text.as_str()))).collect()));
            }
            Some(Values::Series(series)) => series,
        };
        let dtype = series.dtype();
        // A decimal with scale 0 is an integer; SQL and Spark export IDs in this type.
        let fine = dtype.is_integer()
            || matches!(dtype, DataType::String | DataType::Null | DataType::Categorical(..) | DataType::Decimal(_, 0));
        if !fine {
            return Err(self.wrong(
                &wanted.name,
                series,
                "it must be a text or a whole number, so convert the column when exporting",
            ));
        }
        let text = |value| match value {
            AnyValue::Null => None,
            AnyValue::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.get_str().map_or_else(|| other.to_string(), str::to_owned))),
        };
        Ok(Some(series.iter().map(text).collect()))
    }

    /// An invalid value as text, for messages.
    pub(super) fn shown(&self, wanted: &ColumnRequest, row: usize) -> String {
        match self.values(&wanted.name) {
            None => String::new(),
            Some(Values::Texts(texts)) => texts.get(row).to_owned(),
            Some(Values::Same(text)) => text.clone(),
            Some(Values::Series(series)) => series.get(row).map_or_else(
                |_| String::new(),
                |value| match value {
                    AnyValue::Null => String::new(),
                    AnyValue::String(text) => text.to_owned(),
                    other => other.to_string(),
                },
            ),
        }
    }

    /// A column of times. `None` if the column does not exist.
    pub(super) fn times(&self, wanted: &ColumnRequest, seen: &mut Seen) -> Result<Option<Vec<Time>>, InputError> {
        let profile = seen.column(wanted);
        let mut parsed = |text: &str| {
            let value = self.forms.value(text);
            profile.add(Some(text), value);
            value.map_or(Time::Missing, |text| self.forms.time.parse(text))
        };
        let series = match self.values(&wanted.name) {
            None => return Ok(None),
            Some(Values::Texts(texts)) => return Ok(Some((0..self.rows).map(|row| parsed(texts.get(row))).collect())),
            Some(Values::Same(text)) => return Ok(Some((0..self.rows).map(|_| parsed(text)).collect())),
            Some(Values::Series(series)) => series,
        };
        let dtype = series.dtype();
        let fine = dtype.is_integer()
            || matches!(dtype, DataType::Date | DataType::Datetime(..) | DataType::String | DataType::Null);
        if !fine {
            return Err(self.wrong(
                &wanted.name,
                series,
                "a time must be a date, a datetime, a text of one or Unix seconds",
            ));
        }
        if !matches!(dtype, DataType::String) {
            profile.set_type(&dtype.to_string(), true);
        }
        let typed = |value| match value {
            AnyValue::Null => Time::Missing,
            AnyValue::Date(days) => Time::Day(i64::from(days) * super::time::DAY),
            AnyValue::Datetime(ticks, unit, _) => Time::At(ticks.div_euclid(match unit {
                TimeUnit::Nanoseconds => 1_000_000_000,
                TimeUnit::Microseconds => 1_000_000,
                TimeUnit::Milliseconds => 1_000,
            })),
            number => number.extract::<i64>().and_then(whole_number).unwrap_or(Time::Bad),
        };
        let time = |value| match value {
            AnyValue::String(text) => {
                let value = self.forms.value(text);
                profile.add(Some(text), value);
                value.map_or(Time::Missing, |text| self.forms.time.parse(text))
            }
            other => {
                let time = typed(other);
                profile.add_typed(time.seconds().map(|seconds| seconds as f64));
                time
            }
        };
        Ok(Some(series.iter().map(time).collect()))
    }

    /// A column of numbers: `None` for null, NaN for a value that is not a number. `None` in all if the column does not
    /// exist.
    pub(super) fn numbers(
        &self,
        wanted: &ColumnRequest,
        seen: &mut Seen,
    ) -> Result<Option<Vec<Option<f64>>>, InputError> {
        let profile = seen.column(wanted);
        let mut parsed = |text: &str| {
            let value = self.forms.value(text);
            profile.add(Some(text), value);
            value.map(|text| number::parse(text, self.forms.decimal))
        };
        let series = match self.values(&wanted.name) {
            None => return Ok(None),
            Some(Values::Texts(texts)) => return Ok(Some((0..self.rows).map(|row| parsed(texts.get(row))).collect())),
            Some(Values::Same(text)) => return Ok(Some((0..self.rows).map(|_| parsed(text)).collect())),
            Some(Values::Series(series)) => series,
        };
        let dtype = series.dtype();
        let fine =
            dtype.is_primitive_numeric() || matches!(dtype, DataType::String | DataType::Null | DataType::Decimal(..));
        if !fine {
            return Err(self.wrong(&wanted.name, series, "it must be a number"));
        }
        if matches!(dtype, DataType::String) {
            let text = |value| if let AnyValue::String(text) = value { parsed(text) } else { parsed("") };
            return Ok(Some(series.iter().map(text).collect()));
        }
        profile.set_type(&dtype.to_string(), false);
        let number = |value| {
            let number = if let AnyValue::Null = value { None } else { Some(value.extract().unwrap_or(f64::NAN)) };
            profile.add_typed(number);
            number
        };
        Ok(Some(series.iter().map(number).collect()))
    }
}
