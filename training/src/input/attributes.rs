//! The attributes of the items table: their columns, their kinds, and their values.

use serde::{Deserialize, Serialize};
use trolley_model::Amount;

use super::amount::{amount, unit};
use super::number;
use crate::setting::SettingError;

/// A column of the items table that describes an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeColumn {
    /// The name only; the kind is inferred from the values.
    Named(String),
    /// The full form.
    Full(AttributeForm),
}

/// A column with the kind of its values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeForm {
    /// Its name.
    pub column: String,
    /// The kind of the values; inferred from them if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AttributeKind>,
    /// The unit of amounts that are written as numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The separator between several texts in one field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
}

/// The kind of an attribute's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttributeKind {
    /// Compared for equality.
    Text,
    /// Compared by distance.
    Number,
    /// Amounts with a unit: `20 OZ`, `6 x 0,33 l`.
    Amount,
}

impl AttributeColumn {
    /// The name of the column.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Full(form) => &form.column,
        }
    }

    pub(super) fn form(&self) -> AttributeForm {
        match self {
            Self::Named(column) => AttributeForm { column: column.clone(), ..AttributeForm::default() },
            Self::Full(form) => form.clone(),
        }
    }

    /// Checks the constraints that the types do not express.
    ///
    /// # Errors
    /// An attribute without a name, or with settings that do not fit its kind.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        let AttributeForm { column, kind, unit: written, separator } = self.form();
        let wrong = |what: &str| Err(SettingError::new(format!("columns.items.attributes: `{column}`: {what}")));
        if column.is_empty() {
            return Err(SettingError::new("columns.items.attributes: a column has no name"));
        }
        if let Some(written) = &written {
            if unit(&written.to_lowercase()).is_none() {
                return wrong(&format!(
                    "`{written}` is no unit that is known: give one such as \"g\", \"ml\" or \"ct\""
                ));
            }
            if kind.is_some_and(|kind| kind != AttributeKind::Amount) {
                return wrong("a unit is for kind = \"amount\"");
            }
        }
        if separator.as_ref().is_some_and(String::is_empty) {
            return wrong("a separator is one character or more");
        }
        if separator.is_some() && kind.is_some_and(|kind| kind != AttributeKind::Text) {
            return wrong("a separator is for kind = \"text\"");
        }
        Ok(())
    }
}

/// An attribute as it was read from the table.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeTable {
    /// The name of the column.
    pub name: String,
    /// The kind of the values.
    pub kind: AttributeKind,
    /// The unit of amounts that are written as numbers.
    unit: Option<String>,
    separator: Option<String>,
    decimal: char,
    /// Number of values that cannot be parsed as this kind, and some examples.
    pub unread: (u64, Vec<String>),
    /// Number of values in all.
    pub values: u64,
}

/// Maximum number of values named in a finding.
const EXAMPLES: usize = 5;

impl AttributeTable {
    /// Infers the kind of a column's values, and counts those that cannot be parsed.
    pub(super) fn of<'a>(form: AttributeForm, values: impl Iterator<Item = &'a str> + Clone, decimal: char) -> Self {
        let AttributeForm { column, kind, unit: written, separator } = form;
        let of_name = column.rsplit(['_', ' ', '.']).next().map(str::to_lowercase);
        let of_name = of_name.filter(|word| *word != column.to_lowercase() && unit(word).is_some());
        let all = values.clone().count();
        let is_number = |value: &str| number::parse(value, decimal).is_finite();
        let share = |of: &dyn Fn(&str) -> bool| all > 0 && values.clone().filter(|value| of(value)).count() * 2 > all;
        let kind = kind.unwrap_or_else(|| match () {
            () if written.is_some() => AttributeKind::Amount,
            () if separator.is_some() => AttributeKind::Text,
            // In a column named like a code, numbers are labels; their distance means nothing.
            () if share(&is_number) && is_code(&column) => AttributeKind::Text,
            () if share(&is_number) && of_name.is_some() => AttributeKind::Amount,
            () if share(&is_number) => AttributeKind::Number,
            () if share(&|value| amount(value, decimal).is_some()) => AttributeKind::Amount,
            () => AttributeKind::Text,
        });
        let unit = written.map(|unit| unit.to_lowercase()).or(of_name);
        let mut table =
            Self { name: column, kind, unit, separator, decimal, unread: (0, Vec::new()), values: all as u64 };
        let is_read = |value: &&str| match kind {
            AttributeKind::Text => true,
            AttributeKind::Number => table.number(value).is_finite(),
            AttributeKind::Amount => table.amount(value).is_some(),
        };
        let mut unread: (u64, Vec<String>) = (0, Vec::new());
        for value in values.filter(|value| !is_read(value)) {
            unread.0 += 1;
            if unread.1.len() < EXAMPLES && !unread.1.iter().any(|other| other == value) {
                unread.1.push(value.to_owned());
            }
        }
        table.unread = unread;
        table
    }

    /// The texts of a field.
    pub(crate) fn texts<'a>(&'a self, value: &'a str) -> impl Iterator<Item = &'a str> {
        let mut parts = value.split(self.separator.as_deref().unwrap_or("\0"));
        std::iter::from_fn(move || parts.next()).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The number of a field, or NaN.
    pub(crate) fn number(&self, value: &str) -> f32 {
        let number = number::parse(value, self.decimal) as f32;
        if number.is_finite() { number } else { f32::NAN }
    }

    /// The amount of a field.
    pub(crate) fn amount(&self, value: &str) -> Option<Amount> {
        let with_unit = || {
            let (unit, base) = unit(self.unit.as_deref()?)?;
            let total = number::parse(value, self.decimal) as f32 * base;
            (total.is_finite() && total > 0.0).then_some(Amount { total, unit, pieces: 1.0 })
        };
        with_unit().or_else(|| amount(value, self.decimal))
    }
}

/// Whether a column of numbers holds codes rather than quantities, judging by its name.
fn is_code(column: &str) -> bool {
    let last = column.rsplit(['_', ' ', '.']).next().unwrap_or_default().to_lowercase();
    ["id", "code", "no", "nr", "number", "key", "ean", "gtin"].contains(&last.as_str()) || column.ends_with("Id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(column: &str, values: &[&str]) -> AttributeTable {
        AttributeTable::of(AttributeColumn::Named(column.into()).form(), values.iter().copied(), '.')
    }

    #[test]
    fn what_a_column_holds_is_seen_from_its_values() {
        let kind = |column: &str, values: &[&str]| table(column, values).kind;
        assert_eq!(kind("brand", &["Private", "National"]), AttributeKind::Text);
        assert_eq!(kind("manufacturer_id", &["12", "13"]), AttributeKind::Text);
        assert_eq!(kind("fat", &["3.5", "1.5", "?"]), AttributeKind::Number);
        assert_eq!(kind("bottle_ml", &["750", "1000"]), AttributeKind::Amount);
        assert_eq!(kind("package_size", &["20 OZ", "1 GA", "SET"]), AttributeKind::Amount);
        assert_eq!(kind("ml", &["750"]), AttributeKind::Number, "a name is more than a unit");
        assert_eq!(kind("brand", &[]), AttributeKind::Text);
        let sizes = table("package_size", &["20 OZ", "SET", "1 GA", "SET", "MED", "2 L", "1 L", "3 L"]);
        assert_eq!(sizes.unread, (3, vec!["SET".to_owned(), "MED".to_owned()]));
        let millilitres = table("bottle_ml", &["750"]).amount("750").unwrap().total;
        assert!((millilitres - 750.0).abs() < 1e-3);
    }

    #[test]
    fn several_texts_are_parted() {
        let form =
            AttributeForm { column: "allergens".into(), separator: Some(",".into()), ..AttributeForm::default() };
        let table = AttributeTable::of(form, ["milk, nuts"].into_iter(), '.');
        assert_eq!(table.texts("milk, nuts,").collect::<Vec<_>>(), ["milk", "nuts"]);
    }
}
