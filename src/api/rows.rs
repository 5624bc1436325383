//! The rows of a push, parsed one by one: an invalid row does not affect the others, and no row takes more memory than
//! necessary.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A type that a row is parsed into.
pub(super) trait Row: Sized {
    /// The row as it is sent.
    type Body: DeserializeOwned;
    /// Maximum number of rows in one push.
    const MOST: usize;
    /// Maximum total weight of the rows.
    const MOST_WEIGHT: usize = usize::MAX;

    /// Checks a row; the error is the invalid field and the reason.
    fn check(body: Self::Body) -> Result<Self, (String, String)>;

    /// The weight of the row, for [`Row::MOST_WEIGHT`].
    fn weight(&self) -> usize {
        1
    }
}

/// The valid rows, and what is wrong with the others.
#[derive(Debug)]
pub(super) struct Rows<T> {
    /// Each with its position in the list, from 0.
    pub(super) good: Vec<(usize, T)>,
    pub(super) rejected: Rejected,
}

/// Invalid rows.
#[derive(Debug, Default)]
pub(super) struct Rejected {
    /// The first ones.
    pub(super) rows: Vec<WrongRow>,
    /// Number of further ones.
    pub(super) more: usize,
}

/// An invalid row.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WrongRow {
    /// Its position in the list, from 0.
    row: usize,
    /// The invalid field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "valid_to")]
    field: Option<String>,
    /// What is wrong with it.
    #[schema(example = "missing field `items`")]
    reason: String,
}

/// Maximum number of invalid rows to list; further ones are only counted.
const MOST_NAMED: usize = 1000;

/// Maximum size of a row in bytes.
const LONGEST_ROW: usize = 4 << 20;

/// Maximum number of characters of a field or reason: the name of a field may be as long as the whole push.
const LONGEST_REASON: usize = 200;

impl Rejected {
    /// Adds an invalid row.
    pub(super) fn push(&mut self, row: usize, field: &str, reason: &str) {
        if self.rows.len() == MOST_NAMED {
            self.more += 1;
            return;
        }
        let short = |text: &str| text.chars().take(LONGEST_REASON).collect::<String>();
        // `.` is serde's path of the row itself.
        let field = (field != ".").then(|| short(field));
        self.rows.push(WrongRow { row, field, reason: short(reason) });
    }

    /// The listed rows by position, and the number of further ones.
    pub(super) fn told(mut self) -> (Vec<WrongRow>, usize) {
        self.rows.sort_by_key(|wrong| wrong.row);
        (self.rows, self.more)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<'de, T: Row> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(rows: D) -> Result<Self, D::Error> {
        rows.deserialize_seq(OneByOne(PhantomData))
    }
}

struct OneByOne<T>(PhantomData<T>);

impl<'de, T: Row> Visitor<'de> for OneByOne<T> {
    type Value = Rows<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows<T>, A::Error> {
        let (mut rows, mut weight) = (Rows { good: Vec::new(), rejected: Rejected::default() }, 0);
        let mut row = 0;
        while let Some(text) = list.next_element::<&'de RawValue>()? {
            if row == T::MOST {
                return Err(A::Error::custom(format_args!("there are at most {} rows", T::MOST)));
            }
            match read(text.get()).and_then(T::check) {
                Ok(good) => {
                    weight += good.weight();
                    rows.good.push((row, good));
                }
                Err((field, reason)) => rows.rejected.push(row, &field, &reason),
            }
            if weight > T::MOST_WEIGHT {
                return Err(A::Error::custom(format_args!("they hold more than {} items", T::MOST_WEIGHT)));
            }
            row += 1;
        }
        Ok(rows)
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, (String, String)> {
    if text.len() > LONGEST_ROW {
        return Err((".".to_owned(), format!("a row has at most {LONGEST_ROW} bytes")));
    }
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))
        .map_err(|error| (error.path().to_string(), without_place(error.inner())))
}

/// Removes serde's line and column: they are relative to the row, so they would mislead the client.
fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match said.rfind(" at line ") {
        Some(at) => said[..at].to_owned(),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An even number.
    #[derive(Debug, PartialEq)]
    struct Even(u64);

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Number {
        n: u64,
    }

    impl Row for Even {
        type Body = Number;
        const MOST: usize = 2000;
        const MOST_WEIGHT: usize = 5000;

        fn check(Number { n }: Number) -> Result<Self, (String, String)> {
            if n % 2 == 0 { Ok(Self(n)) } else { Err(("n".to_owned(), format!("{n} is odd"))) }
        }

        fn weight(&self) -> usize {
            self.0 as usize
        }
    }

    fn rows(text: &str) -> Result<Rows<Even>, String> {
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|e| e.to_string())
    }

    #[test]
    fn one_row_after_the_other() {
        let Rows { good, rejected } = rows(r#"[{"n": 2}, {"n": 3}, {"m": 1}, 7, {"n": 4}, {"n": -1}]"#).unwrap();
        assert_eq!(good, [(0, Even(2)), (4, Even(4))]);
        let wrong: Vec<_> = rejected.rows.iter().map(|row| (row.row, row.field.as_deref(), &*row.reason)).collect();
        assert_eq!(wrong[..2], [(1, Some("n"), "3 is odd"), (2, Some("m"), "unknown field `m`, expected `n`")]);
        assert!(wrong[2].0 == 3 && wrong[2].1.is_none() && !wrong[2].2.contains("line"), "{wrong:?}");
        assert_eq!((wrong[3].0, wrong[3].1), (5, Some("n")));
    }

    #[test]
    fn what_is_too_much_is_refused_on_the_way_and_what_is_wrong_is_said_in_few_words() {
        assert!(rows(&format!("[{}1]", "1,".repeat(2000))).unwrap_err().contains("at most 2000 rows"));
        let heavy = r#"[{"n": 2400}, {"n": 2400}, {"n": 202}, {"n": 2}]"#;
        assert!(rows(heavy).unwrap_err().contains("more than 5000"));
        let many = rows(&format!("[{}1]", "1,".repeat(1999))).unwrap().rejected;
        assert_eq!((many.rows.len(), many.more), (MOST_NAMED, 1000));
        let long = rows(&format!(r#"[{{"{}": 1}}]"#, "m".repeat(100_000))).unwrap().rejected;
        assert!(long.rows[0].reason.len() <= LONGEST_REASON && long.rows[0].field.as_ref().unwrap().len() <= 200);
        let longest = rows(&format!(r#"[{{"{}": 1}}]"#, "m".repeat(5 << 20))).unwrap().rejected;
        assert!(longest.rows[0].reason.contains("bytes"));
        assert!(rows("{}").is_err() && rows("[1").is_err());
    }
}
