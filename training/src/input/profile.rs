//! Statistics of a column, collected while it is read.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::column_request::ColumnRequest;
use super::row_outcomes::shown;

/// Maximum number of distinct values counted per column; further ones are only noted in `more_distinct`.
const DISTINCT: usize = 100_000;

/// The statistics of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Our name of the column.
    pub name: String,
    /// Its name in the files.
    pub named: String,
    /// `empty`, `text`, `integers` or `numbers`; for a typed Parquet column its own type.
    pub kind: String,
    /// Number of rows with a value.
    pub values: u64,
    /// Number of rows without a value: null, empty, or a null word.
    pub nulls: u64,
    /// Number of rows with each null word.
    pub null_words: BTreeMap<String, u64>,
    /// Number of distinct values, up to 100,000; there are more if `more_distinct`.
    pub distinct: u64,
    /// Whether there are more.
    pub more_distinct: bool,
    /// The shortest value; for numbers and times of a typed column the least.
    pub shortest: String,
    /// The longest value, or the greatest.
    pub longest: String,
    /// The most frequent value, and its number of rows.
    pub most_frequent: Option<(String, u64)>,
    /// Number of values with spaces around them, which are trimmed.
    pub padded: u64,
    /// Number of values like `17850.0`: integers that were converted to floating-point numbers.
    pub like_floats: u64,
    /// Number of values like `5.01E+12`, which have lost most of their digits.
    pub scientific: u64,
}

/// The statistics while the column is read.
#[derive(Debug, Default)]
pub(super) struct Profile {
    column: Column,
    counts: HashMap<Box<str>, u64>,
    /// The last value and its run length: consecutive rows often repeat a value, as files are mostly sorted.
    last: (String, u64),
    numbers: u64,
    whole: u64,
    typed: Typed,
}

/// The values of a typed column, keyed by their bits.
#[derive(Debug, Default)]
struct Typed {
    counts: HashMap<u64, u64>,
    range: Option<[f64; 2]>,
    /// Whether they are Unix seconds.
    times: bool,
}

impl Typed {
    fn shown(&self, value: f64) -> String {
        let time = self.times.then(|| chrono::DateTime::from_timestamp(value as i64, 0)).flatten();
        time.map_or_else(|| value.to_string(), |time| time.format("%Y-%m-%d %H:%M:%S").to_string())
    }
}

impl Profile {
    /// Adds a row: the raw text, and its parsed value.
    pub(super) fn add(&mut self, text: Option<&str>, value: Option<&str>) {
        let Some(value) = value else {
            self.column.nulls += 1;
            if let Some(word) = text.map(str::trim).filter(|word| !word.is_empty()) {
                *self.column.null_words.entry(word.to_owned()).or_default() += 1;
            }
            return;
        };
        self.column.values += 1;
        self.column.padded += u64::from(text.is_some_and(|text| text.len() != value.len()));
        if self.last.0 == value && self.last.1 > 0 {
            self.last.1 += 1;
            return;
        }
        self.flush();
        self.last = (value.to_owned(), 1);
    }

    /// Adds a row of a typed column: a number, or Unix seconds.
    pub(super) fn add_typed(&mut self, value: Option<f64>) {
        let Some(value) = value else {
            self.column.nulls += 1;
            return;
        };
        self.column.values += 1;
        let range = self.typed.range.get_or_insert([value; 2]);
        *range = [range[0].min(value), range[1].max(value)];
        let full = self.typed.counts.len() >= DISTINCT;
        match self.typed.counts.get_mut(&value.to_bits()) {
            Some(count) => *count += 1,
            None if full => self.column.more_distinct = true,
            None => _ = self.typed.counts.insert(value.to_bits(), 1),
        }
    }

    /// Marks the column as typed.
    pub(super) fn set_type(&mut self, name: &str, times: bool) {
        name.clone_into(&mut self.column.kind);
        self.typed.times = times;
    }

    fn flush(&mut self) {
        let (value, times) = (&self.last.0, std::mem::take(&mut self.last.1));
        if times == 0 {
            return;
        }
        let column = &mut self.column;
        if column.shortest.is_empty() || value.chars().count() < column.shortest.chars().count() {
            column.shortest.clone_from(value);
        }
        if value.chars().count() > column.longest.chars().count() {
            column.longest.clone_from(value);
        }
        let begins = value.as_bytes()[0];
        if begins.is_ascii_digit() || b"+-(.".contains(&begins) {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            self.whole += if digits(value) { times } else { 0 };
            self.numbers += if value.parse::<f64>().is_ok() { times } else { 0 };
            column.like_floats += if value.strip_suffix(".0").is_some_and(digits) { times } else { 0 };
            let scientific = value.split_once(['E', 'e']).is_some_and(|(mantissa, exponent)| {
                let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
                whole.len() == 1 && digits(whole) && digits(fraction) && exponent.strip_prefix('+').is_some_and(digits)
            });
            column.scientific += if scientific { times } else { 0 };
        }
        if let Some(count) = self.counts.get_mut(value.as_str()) {
            *count += times;
        } else if self.counts.len() < DISTINCT {
            self.counts.insert(value.as_str().into(), times);
        } else {
            column.more_distinct = true;
        }
    }

    fn finished(mut self) -> Column {
        self.flush();
        let Self { mut column, counts, numbers, whole, typed, .. } = self;
        if let Some([least, greatest]) = typed.range {
            column.distinct = typed.counts.len() as u64;
            (column.shortest, column.longest) = (typed.shown(least), typed.shown(greatest));
            let most = typed.counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
            column.most_frequent = most.map(|(bits, &count)| (typed.shown(f64::from_bits(*bits)), count));
            return column;
        }
        column.distinct = counts.len() as u64;
        // Ties are broken by order of the values, so that the order of the files does not matter.
        let most = counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
        column.most_frequent = most.map(|(value, &count)| (shown(value), count));
        (column.shortest, column.longest) = (shown(&column.shortest), shown(&column.longest));
        if column.kind.is_empty() {
            let kind = match column.values {
                0 => "empty",
                values if values == whole => "integers",
                values if values == numbers => "numbers",
                _ => "text",
            };
            kind.clone_into(&mut column.kind);
        }
        column
    }
}

/// The statistics of a table's columns.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<Profile>);

impl Seen {
    pub(super) fn column(&mut self, wanted: &ColumnRequest) -> &mut Profile {
        let found = self.0.iter().position(|profile| profile.column.name == wanted.ours);
        let at = found.unwrap_or_else(|| {
            let column = Column { name: wanted.ours.clone(), named: wanted.name.clone(), ..Column::default() };
            self.0.push(Profile { column, ..Profile::default() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// The statistics. A column that no file has is left out.
    pub(super) fn finished(self) -> Vec<Column> {
        let columns = self.0.into_iter().map(Profile::finished);
        columns.filter(|column| column.values + column.nulls > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_described() {
        let mut seen = Seen::default();
        let wanted = ColumnRequest::required("customer_id", "CustomerID");
        for (text, value) in [
            ("17850.0", Some("17850.0")),
            (" 17850.0", Some("17850.0")),
            ("NULL", None),
            ("", None),
            ("5.01E+12", Some("5.01E+12")),
            ("7", Some("7")),
            ("17850.0", Some("17850.0")),
        ] {
            seen.column(&wanted).add(Some(text), value);
        }
        let column = &seen.finished()[0];
        assert_eq!((column.values, column.nulls, column.distinct), (5, 2, 3));
        assert_eq!(column.null_words, BTreeMap::from([("NULL".to_owned(), 1)]));
        assert_eq!((column.shortest.as_str(), column.longest.as_str()), ("7", "5.01E+12"));
        assert_eq!(column.most_frequent, Some(("17850.0".to_owned(), 3)));
        assert_eq!((column.padded, column.like_floats, column.scientific), (1, 3, 1));
        assert_eq!(column.kind, "numbers");
    }
}
