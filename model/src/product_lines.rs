//! Product lines: items whose names differ only in size.

use std::collections::HashMap;

use crate::catalogue::Catalogue;
use crate::item::Item;

/// The product line of each item, by its number.
#[derive(Debug, Default)]
pub(crate) struct ProductLines(Vec<Option<u32>>);

/// Words for sizes in names; words with a digit count too.
const SIZES: [&str; 44] = [
    "ml", "cl", "dl", "l", "lt", "ltr", "liter", "liters", "litre", "litres", "g", "gr", "gm", "gram", "grams", "kg",
    "mg", "oz", "floz", "lb", "lbs", "ga", "gal", "gallon", "qt", "quart", "pt", "pint", "ct", "count", "pk", "pack",
    "packs", "pc", "pcs", "cm", "mm", "in", "inch", "small", "medium", "large", "mini", "x",
];

impl ProductLines {
    /// Groups the items of a catalogue by name; an item without a name, or named like its category, has no line.
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        if catalogue.names().is_empty() {
            return Self::default();
        }
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut number = |item: Item| {
            let name = without_sizes(catalogue.name(item)?);
            let category = catalogue.category(item).map(|category| catalogue.categories().get(category.0));
            if name.is_empty() || category.is_some_and(|category| without_sizes(category) == name) {
                return None;
            }
            let next = numbers.len() as u32;
            Some(*numbers.entry(name).or_insert(next))
        };
        Self(catalogue.numbers().map(&mut number).collect())
    }

    /// The product line of an item.
    pub(crate) fn of(&self, item: Item) -> Option<u32> {
        self.0.get(item.index()).copied().flatten()
    }
}

/// The words of a name in lower case, without words for sizes and words with a digit.
fn without_sizes(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let told = words.filter(|word| !word.contains(|c: char| c.is_numeric()) && !SIZES.contains(word));
    told.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_size_are_one_line() {
        let line = without_sizes("Tito's Handmade Vodka 750ml");
        assert_eq!(line, without_sizes("TITO'S HANDMADE VODKA  1.75 L"));
        assert_ne!(line, without_sizes("Tito's Handmade Gin 750ml"));
        assert_eq!(without_sizes("Vollmilch 3,5 %  1 l"), without_sizes("Vollmilch 1,5 % 0,5 l"));
        assert_eq!(without_sizes("12 x 330 ml"), "");
    }
}
