use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The item focus of a blend: fixed, or chosen on the validation weeks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ItemFocus {
    /// A fixed value.
    Fixed(f64),
    /// Of several values, the one with the most due to the item whose hit rate is at most 5 % below that of 0.
    #[default]
    Auto,
}

impl Serialize for ItemFocus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(focus) => serializer.serialize_f64(*focus),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for ItemFocus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrAuto;
        impl de::Visitor<'_> for NumberOrAuto {
            type Value = ItemFocus;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 0 to 2, or \"auto\"")
            }

            fn visit_f64<E: de::Error>(self, focus: f64) -> Result<ItemFocus, E> {
                Ok(ItemFocus::Fixed(focus))
            }

            fn visit_i64<E: de::Error>(self, focus: i64) -> Result<ItemFocus, E> {
                Ok(ItemFocus::Fixed(focus as f64))
            }

            fn visit_u64<E: de::Error>(self, focus: u64) -> Result<ItemFocus, E> {
                Ok(ItemFocus::Fixed(focus as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ItemFocus, E> {
                match text {
                    "auto" => Ok(ItemFocus::Auto),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(NumberOrAuto)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_auto() {
        let of = |text: &str| serde_json::from_str::<ItemFocus>(text);
        assert_eq!(of("0.5").unwrap(), ItemFocus::Fixed(0.5));
        assert_eq!(of("1").unwrap(), ItemFocus::Fixed(1.0));
        assert_eq!(of("\"auto\"").unwrap(), ItemFocus::Auto);
        assert!(of("\"much\"").unwrap_err().to_string().contains("a number from 0 to 2, or \"auto\""));
        for focus in [ItemFocus::Fixed(0.5), ItemFocus::Auto] {
            assert_eq!(of(&serde_json::to_string(&focus).unwrap()).unwrap(), focus);
        }
    }
}
