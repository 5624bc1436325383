//! Kinds of things that are not shown beside each other, or not spoken of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::error::ModelError;

/// What a shop calls sensitive, by the categories' IDs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sensitive {
    /// Pairs of kinds of which no item is shown beside one of the other, nor with it.
    pub apart: Vec<[String; 2]>,
    /// Kinds of which no reason says that the customer buys them.
    pub discreet: Vec<String>,
    /// The categories of each kind.
    #[serde(flatten)]
    pub kinds: BTreeMap<String, Vec<String>>,
}

/// As many kinds as there are bits.
const MOST_KINDS: usize = 32;

impl Sensitive {
    /// Checks that every kind that is named has categories.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), ModelError> {
        if self.kinds.len() > MOST_KINDS {
            return Err(ModelError::Name(format!("{} kinds are more than {MOST_KINDS}", self.kinds.len())));
        }
        let named = self.apart.iter().flatten().map(|kind| ("apart", kind));
        let named = named.chain(self.discreet.iter().map(|kind| ("discreet", kind)));
        match named.into_iter().find(|(_, kind)| !self.kinds.contains_key(*kind)) {
            Some((key, kind)) => {
                let known: Vec<&str> = self.kinds.keys().map(String::as_str).collect();
                Err(ModelError::Name(format!(
                    "`{key}` names `{kind}`, which has no categories; these have: {}",
                    known.join(", ")
                )))
            }
            None => Ok(()),
        }
    }
}

impl Sensitive {
    /// The categories that a catalogue does not have: written otherwise there, or not sold.
    pub fn unknown<'a>(&'a self, catalogue: &Catalogue) -> Vec<&'a str> {
        let named = self.kinds.values().flatten().map(String::as_str);
        named.filter(|id| catalogue.categories().position(id).is_none()).collect()
    }
}

/// The same by a model's numbers.
#[derive(Clone, Debug)]
pub struct SensitiveCategories {
    /// Of each category the kinds that it is of, one bit each.
    kinds: Vec<u32>,
    /// Of each category the kinds that must not stand beside it.
    apart: Vec<u32>,
    discreet: u32,
}

impl SensitiveCategories {
    /// `None` if none of it concerns this catalogue.
    pub fn new(sensitive: &Sensitive, catalogue: &Catalogue) -> Option<Self> {
        let bit = |kind: &String| {
            let at = sensitive.kinds.keys().position(|known| known == kind);
            at.and_then(|at| 1u32.checked_shl(at as u32)).unwrap_or(0)
        };
        let mut kinds = vec![0; catalogue.categories().len()];
        for (kind, categories) in &sensitive.kinds {
            for category in categories.iter().filter_map(|id| catalogue.categories().position(id)) {
                kinds[category as usize] |= bit(kind);
            }
        }
        let beside = |&own: &u32| {
            let other = |[one, other]: &[String; 2]| {
                let (one, other) = (bit(one), bit(other));
                (if own & one != 0 { other } else { 0 }) | (if own & other != 0 { one } else { 0 })
            };
            sensitive.apart.iter().map(other).fold(0, |all, kind| all | kind)
        };
        let apart = kinds.iter().map(beside).collect();
        let discreet = sensitive.discreet.iter().map(bit).fold(0, |all, kind| all | kind);
        kinds.iter().any(|kinds| *kinds != 0).then_some(Self { kinds, apart, discreet })
    }

    /// Whether items of two categories must not be shown beside each other.
    pub fn are_apart(&self, one: Option<u32>, other: Option<u32>) -> bool {
        let (Some(one), Some(other)) = (one, other) else { return false };
        self.apart[one as usize] & self.kinds[other as usize] != 0
    }

    /// Whether no reason may say that the customer buys this category.
    pub fn is_discreet(&self, category: u32) -> bool {
        self.kinds[category as usize] & self.discreet != 0
    }
}
