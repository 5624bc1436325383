//! Sensitive categories: groups that are not shown together, or not mentioned in reasons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::category::Category;
use crate::error::ModelError;

/// The sensitive categories of a shop, by their IDs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sensitive {
    /// Pairs of groups whose items are not in one list, nor recommended for each other.
    pub apart: Vec<[String; 2]>,
    /// Groups for which no reason discloses that the customer buys them.
    pub discreet: Vec<String>,
    /// The categories of each group.
    #[serde(flatten)]
    pub kinds: BTreeMap<String, Vec<String>>,
}

/// Maximum number of groups: one bit each.
const MOST_KINDS: usize = 32;

impl Sensitive {
    /// Checks that every group in use has categories.
    ///
    /// # Errors
    /// An error that names the wrong entry.
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
    /// The categories that the catalogue does not have: misspelt, or not sold.
    pub fn unknown<'a>(&'a self, catalogue: &Catalogue) -> Vec<&'a str> {
        let named = self.kinds.values().flatten().map(String::as_str);
        named.filter(|id| catalogue.categories().position(id).is_none()).collect()
    }
}

/// [`Sensitive`] in the category numbers of a model.
#[derive(Clone, Debug)]
pub struct SensitiveCategories {
    /// The groups of each category, one bit each.
    kinds: Vec<u32>,
    /// The groups that each category must not be shown with.
    apart: Vec<u32>,
    discreet: u32,
}

impl SensitiveCategories {
    /// `None` if the catalogue has none of the categories.
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

    /// Whether items of two categories must not be in one list.
    pub fn are_apart(&self, one: Option<Category>, other: Option<Category>) -> bool {
        let (Some(one), Some(other)) = (one, other) else { return false };
        self.apart[one.0 as usize] & self.kinds[other.0 as usize] != 0
    }

    /// Whether no reason may disclose that the customer buys this category.
    pub fn is_discreet(&self, category: Category) -> bool {
        self.kinds[category.0 as usize] & self.discreet != 0
    }
}
