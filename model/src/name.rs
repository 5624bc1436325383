//! Names that become folders: markets and versions. No other external text becomes part of a path.

use std::fmt;

/// A market's or a version's name: `^[a-z0-9][a-z0-9_-]{0,63}$`.
///
/// Checked on construction, so a `Name` can safely be joined to a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A text that cannot be a [`Name`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a valid name: use 1 to 64 of a-z, 0-9, `_` and `-`, beginning with a letter or digit")]
pub struct BadName(String);

impl Name {
    /// Checks `text` and takes it as a name.
    ///
    /// # Errors
    /// [`BadName`] if it does not match the pattern; the message carries at most the first 64 characters of it.
    pub fn new(text: &str) -> Result<Self, BadName> {
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = text.as_bytes();
        let matches = (1..=64).contains(&bytes.len())
            && fine(bytes[0])
            && bytes.iter().all(|&b| fine(b) || b == b'_' || b == b'-');
        if matches {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName(text.chars().take(64).map(|c| if c.is_control() { '?' } else { c }).collect()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<std::path::Path> for Name {
    fn as_ref(&self) -> &std::path::Path {
        self.0.as_ref()
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_and_capitals_are_refused() {
        for text in ["", "..", ".", "a/b", "a\\b", "/etc", "De", "ü", "-a", "_a", "a b", "a\0", &"a".repeat(65)] {
            assert!(Name::new(text).is_err(), "{text:?}");
        }
        for text in ["de", "2026-11-20t04-00-00z", "a", "0_-", &"a".repeat(64)] {
            assert!(Name::new(text).is_ok(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_is_one_plain_path_component(text in "\\PC{0,70}") {
            if let Ok(name) = Name::new(&text) {
                let mut parts = std::path::Path::new(name.as_str()).components();
                prop_assert!(matches!(parts.next(), Some(std::path::Component::Normal(_))));
                prop_assert!(parts.next().is_none());
            }
        }
    }
}
