//! Attributes of the items: brand, package size, and other columns of the shop's table of items.

use crate::amount::{Amount, Unit, ratio_likeness};
use crate::error::{LARGEST, ModelError};
use crate::ids::Ids;
use crate::item::Item;
use crate::offsets::Offsets;
use crate::signal_names;

/// The attributes of all items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<Attribute>);

/// One attribute of all items.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The column of the table of items.
    pub name: String,
    /// The values, item by item.
    pub values: AttributeValues,
}

/// The values of an attribute, by the items' numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValues {
    /// Any number of texts per item, as indexes into `texts`, ascending.
    Texts {
        /// The distinct texts.
        texts: Ids,
        /// The offsets of each item's texts in `of`.
        rows: Offsets,
        /// The indexes of all items' texts, concatenated.
        of: Vec<u32>,
    },
    /// A number per item; NaN if unknown.
    Numbers(Vec<f32>),
    /// An amount per item, if known.
    Amounts(Vec<Option<Amount>>),
}

/// Relative tolerance between amounts: written in different units they differ by rounding.
const ROUNDING: f32 = 0.01;

/// Relative tolerance between numbers: they may have been rounded to single precision.
const SINGLE: f32 = 1e-6;

/// Prefix of an attribute's signal; the attribute's name follows.
pub const PREFIX: &str = "same_";

/// Whether an attribute may have this name: its signal must not have the name of another signal.
pub fn is_free(name: &str) -> bool {
    signal_names::index(&format!("{PREFIX}{name}")).is_none()
}

impl Attributes {
    /// Checks the lengths against the number of items, and the numbers.
    ///
    /// # Errors
    /// An error that describes the mismatch.
    pub fn new(attributes: Vec<Attribute>, items: usize) -> Result<Self, ModelError> {
        for (at, Attribute { name, values }) in attributes.iter().enumerate() {
            let length = match values {
                AttributeValues::Texts { texts, rows, of } => {
                    if of.iter().any(|&text| text as usize >= texts.len()) {
                        return Err(ModelError::Range(format!(
                            "the attribute `{name}` has a value beyond its {} texts",
                            texts.len()
                        )));
                    }
                    if rows.as_slice().last() != Some(&(of.len() as u64)) {
                        return Err(ModelError::Order(format!(
                            "the bounds of the attribute `{name}` are not those of its values"
                        )));
                    }
                    rows.len()
                }
                AttributeValues::Numbers(numbers) => {
                    if numbers.iter().any(|number| number.abs() > LARGEST) {
                        return Err(ModelError::Number(format!(
                            "a number of the attribute `{name}` is beyond {LARGEST}"
                        )));
                    }
                    numbers.len()
                }
                AttributeValues::Amounts(amounts) => {
                    let is_sound = |amount: &Amount| {
                        [amount.total, amount.pieces].iter().all(|number| (LARGEST.recip()..=LARGEST).contains(number))
                    };
                    if !amounts.iter().flatten().all(is_sound) {
                        return Err(ModelError::Number(format!(
                            "an amount of the attribute `{name}` is not a number above 0, or too large"
                        )));
                    }
                    amounts.len()
                }
            };
            if length != items {
                return Err(ModelError::Length(format!(
                    "the attribute `{name}` has {length} values for {items} items"
                )));
            }
            if attributes[..at].iter().any(|other| other.name == *name) {
                return Err(ModelError::Duplicate(format!("the attribute `{name}` is there twice")));
            }
            if !is_free(name) {
                return Err(ModelError::Duplicate(format!("the attribute `{name}` has the name of another signal")));
            }
        }
        Ok(Self(attributes))
    }

    /// All attributes.
    pub fn all(&self) -> &[Attribute] {
        &self.0
    }

    /// The names of their signals, in order.
    pub fn signals(&self) -> Vec<String> {
        self.0.iter().map(|attribute| format!("{PREFIX}{}", attribute.name)).collect()
    }

    /// The index of an attribute.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|attribute| attribute.name == name)
    }

    /// The size of an item: its first known amount.
    pub fn size(&self, item: Item) -> Option<Amount> {
        self.0.iter().find_map(|attribute| match &attribute.values {
            AttributeValues::Amounts(amounts) => amounts[item.index()],
            _ => None,
        })
    }
}

impl Attribute {
    /// Likeness of two items, from -1 (different) to 1 (the same); 0 if either has no value.
    ///
    /// Texts: twice the Jaccard similarity minus 1. Numbers and amounts: 0 for a quarter less (numbers) or a factor of
    /// √2 (amounts), -1 for a half or less. A carton differs from everything that is not a carton.
    pub fn likeness(&self, one: Item, other: Item) -> f32 {
        let mut likeness = [0.0];
        self.likenesses(one, &[other], &mut likeness);
        likeness[0]
    }

    /// Likeness of an item to each of some others.
    pub(crate) fn likenesses(&self, item: Item, others: &[Item], out: &mut [f32]) {
        match &self.values {
            AttributeValues::Texts { rows, of, .. } => {
                let of = |item: Item| &of[rows.range(item.0)];
                let one = of(item);
                of_each(others, out, |other| texts_likeness(one, of(other)));
            }
            AttributeValues::Numbers(numbers) => {
                let one = numbers[item.index()];
                of_each(others, out, |other| numbers_likeness(one, numbers[other.index()]));
            }
            AttributeValues::Amounts(amounts) => match &amounts[item.index()] {
                Some(one) => of_each(others, out, |other| {
                    amounts[other.index()].as_ref().map_or(0.0, |other| amounts_likeness(one, other))
                }),
                None => out.fill(0.0),
            },
        }
    }

    /// Whether two items have the same value or values; numbers and amounts may differ by rounding. A missing value
    /// matches nothing.
    pub fn matches(&self, one: Item, other: Item) -> bool {
        match &self.values {
            AttributeValues::Texts { rows, of, .. } => {
                let [one, other] = [one, other].map(|item| &of[rows.range(item.0)]);
                !one.is_empty() && one == other
            }
            AttributeValues::Numbers(numbers) => {
                let [one, other] = [one, other].map(|item| numbers[item.index()]);
                (one - other).abs() <= SINGLE * one.abs().max(other.abs())
            }
            AttributeValues::Amounts(amounts) => {
                let [Some(one), Some(other)] = [one, other].map(|item| amounts[item.index()]) else { return false };
                one.times(&other).is_some_and(|times| (times - 1.0).abs() <= ROUNDING)
            }
        }
    }

    /// The value of an item in readable form; empty if it has none.
    pub fn shown(&self, item: Item) -> String {
        match &self.values {
            AttributeValues::Texts { texts, rows, of } => {
                let shown: Vec<&str> = of[rows.range(item.0)].iter().map(|&text| texts.get(text)).collect();
                shown.join(", ")
            }
            AttributeValues::Numbers(numbers) => {
                let number = numbers[item.index()];
                if number.is_nan() { String::new() } else { number.to_string() }
            }
            AttributeValues::Amounts(amounts) => amounts[item.index()].map_or_else(String::new, |amount| {
                let (total, unit) = match (amount.unit, amount.total) {
                    (Unit::Mass, total) if total >= 1000.0 => (total / 1000.0, "kg"),
                    (Unit::Mass, total) => (total, "g"),
                    (Unit::Volume, total) if total >= 1000.0 => (total / 1000.0, "l"),
                    (Unit::Volume, total) => (total, "ml"),
                    (Unit::Count, total) => (total, "pieces"),
                    (Unit::Length, total) => (total, "m"),
                    (Unit::Area, total) => (total, "m²"),
                    (Unit::Carton, total) => (total, "carton"),
                };
                format!("{} {unit}", (total * 100.0).round() / 100.0)
            }),
        }
    }
}

fn of_each(items: &[Item], out: &mut [f32], value: impl Fn(Item) -> f32) {
    out.iter_mut().zip(items).for_each(|(out, &item)| *out = value(item));
}

fn texts_likeness(one: &[u32], other: &[u32]) -> f32 {
    match (one, other) {
        ([], _) | (_, []) => 0.0,
        ([one], [other]) => {
            if one == other {
                1.0
            } else {
                -1.0
            }
        }
        _ => {
            let common = one.iter().filter(|text| other.contains(text)).count() as f32;
            2.0 * common / (one.len() as f32 + other.len() as f32 - common) - 1.0
        }
    }
}

fn numbers_likeness(one: f32, other: f32) -> f32 {
    let largest = one.abs().max(other.abs());
    if one.is_nan() || other.is_nan() {
        0.0
    } else if largest == 0.0 {
        1.0
    } else {
        1.0 - (4.0 * ((one - other).abs() / largest)).min(2.0)
    }
}

fn amounts_likeness(one: &Amount, other: &Amount) -> f32 {
    if one.is_other_package(other) { -1.0 } else { one.times(other).map_or(0.0, ratio_likeness) }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers have exact results")]
mod tests {
    use super::*;
    use crate::texts::Texts;

    fn texts(values: &[&[u32]]) -> Attribute {
        let mut all = Texts::default();
        ["a", "b", "c"].iter().for_each(|text| all.push(text).unwrap());
        let values = AttributeValues::Texts {
            texts: Ids::new(all).unwrap(),
            rows: Offsets::from_lengths(values.iter().map(|of| of.len())),
            of: values.concat(),
        };
        Attribute { name: "allergens".into(), values }
    }

    #[test]
    fn likeness_is_of_what_is_known() {
        let of_texts = texts(&[&[0], &[0], &[1], &[], &[0, 1]]);
        assert_eq!([1, 2, 3].map(|other| of_texts.likeness(Item(0), Item(other))), [1.0, -1.0, 0.0]);
        assert_eq!(of_texts.likeness(Item(0), Item(4)), 0.0, "half of the values in common");
        let numbers = Attribute {
            name: "fat".into(),
            values: AttributeValues::Numbers(vec![4.0, 4.0, 3.0, 1.0, f32::NAN, 0.0, 0.0]),
        };
        assert_eq!([1, 2, 3, 4].map(|other| numbers.likeness(Item(0), Item(other))), [1.0, 0.0, -1.0, 0.0]);
        assert_eq!((numbers.likeness(Item(5), Item(6)), numbers.likeness(Item(5), Item(4))), (1.0, 0.0));
        let amount = |total| Some(Amount { total, unit: Unit::Mass, pieces: 1.0 });
        let carton = Some(Amount { total: 1.0, unit: Unit::Carton, pieces: 1.0 });
        let values = AttributeValues::Amounts(vec![amount(500.0), amount(500.0), amount(1000.0), None, carton]);
        let amounts = Attribute { name: "size".into(), values };
        assert_eq!([1, 2, 3, 4].map(|other| amounts.likeness(Item(0), Item(other))), [1.0, -1.0, 0.0, -1.0]);
    }

    #[test]
    fn a_missing_value_does_not_match() {
        let of_texts = texts(&[&[0, 1], &[0, 1], &[0], &[], &[]]);
        assert_eq!([1, 2, 3].map(|other| of_texts.matches(Item(0), Item(other))), [true, false, false]);
        assert!(!of_texts.matches(Item(3), Item(4)));
        let numbers =
            Attribute { name: "fat".into(), values: AttributeValues::Numbers(vec![1.5, 1.5, f32::NAN, f32::NAN]) };
        assert!(
            numbers.matches(Item(0), Item(1))
                && !numbers.matches(Item(2), Item(3))
                && !numbers.matches(Item(0), Item(2))
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |attribute: Attribute, items| Attributes::new(vec![attribute], items).is_err();
        assert!(!refused(texts(&[&[0], &[2]]), 2) && refused(texts(&[&[0], &[2]]), 3) && refused(texts(&[&[3]]), 1));
        let nothing = Some(Amount { total: 0.0, unit: Unit::Mass, pieces: 1.0 });
        assert!(refused(Attribute { name: "size".into(), values: AttributeValues::Amounts(vec![nothing]) }, 1));
        assert!(Attributes::new(vec![texts(&[&[0]]), texts(&[&[0]])], 1).is_err());
    }
}
