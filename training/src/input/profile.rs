//! What a column looks like, noted while it is read.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::fates::shown;
use super::wanted::Wanted;

/// Distinct values that are told apart; of a column with more, those that came first.
const DISTINCT: usize = 100_000;

/// What a column holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// What we call it.
    pub name: String,
    /// What it is called in the files.
    pub named: String,
    /// `text`, `integers` or `numbers`; of Parquet its own type.
    pub kind: String,
    /// Rows with a value.
    pub values: u64,
    /// Rows without one: null, empty, or one of the words for null.
    pub nulls: u64,
    /// Of these, those with a word for null, by the word.
    pub null_words: BTreeMap<String, u64>,
    /// Different values, up to 100,000; there are more if `more_distinct`.
    pub distinct: u64,
    /// Whether there are more.
    pub more_distinct: bool,
    /// The shortest value; of a column of numbers or times by its type, the least.
    pub shortest: String,
    /// The longest value, or the greatest.
    pub longest: String,
    /// The value in most rows, with their number.
    pub most_frequent: Option<(String, u64)>,
    /// Values with spaces around them, which are read without.
    pub padded: u64,
    /// Values like `17850.0`: whole numbers that have been floats.
    pub like_floats: u64,
    /// Values like `5.01E+12`, of which most digits are lost.
    pub scientific: u64,
}

/// A column while it is read.
#[derive(Debug, Default)]
pub(super) struct Profile {
    column: Column,
    counts: HashMap<Box<str>, u64>,
    /// The value that came last, and how often it has come since: files are sorted more often than not.
    last: (String, u64),
    numbers: u64,
    whole: u64,
    typed: Typed,
}

/// The values of a column that has a type of its own, by their bits.
#[derive(Debug, Default)]
struct Typed {
    counts: HashMap<u64, u64>,
    offsets: Option<[f64; 2]>,
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
    /// Adds a row: what stands there, and the value that it is read as.
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

    /// Adds a row of a column that has a type of its own: a number, or Unix seconds.
    pub(super) fn add_typed(&mut self, value: Option<f64>) {
        let Some(value) = value else {
            self.column.nulls += 1;
            return;
        };
        self.column.values += 1;
        let offsets = self.typed.offsets.get_or_insert([value; 2]);
        *offsets = [offsets[0].min(value), offsets[1].max(value)];
        let full = self.typed.counts.len() >= DISTINCT;
        match self.typed.counts.get_mut(&value.to_bits()) {
            Some(count) => *count += 1,
            None if full => self.column.more_distinct = true,
            None => _ = self.typed.counts.insert(value.to_bits(), 1),
        }
    }

    /// Says that the column has a type of its own.
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
        if let Some([least, greatest]) = typed.offsets {
            column.distinct = typed.counts.len() as u64;
            (column.shortest, column.longest) = (typed.shown(least), typed.shown(greatest));
            let most = typed.counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
            column.most_frequent = most.map(|(bits, &count)| (typed.shown(f64::from_bits(*bits)), count));
            return column;
        }
        column.distinct = counts.len() as u64;
        // Of several the first in order, whatever the order of the files.
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

/// The columns of a table while they are read.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<Profile>);

impl Seen {
    pub(super) fn column(&mut self, wanted: &Wanted) -> &mut Profile {
        let found = self.0.iter().position(|profile| profile.column.name == wanted.ours);
        let at = found.unwrap_or_else(|| {
            let column = Column { name: wanted.ours.clone(), named: wanted.name.clone(), ..Column::default() };
            self.0.push(Profile { column, ..Profile::default() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// What was seen. A column that no file has is not among them.
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
        let wanted = Wanted::required("customer_id", "CustomerID");
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
