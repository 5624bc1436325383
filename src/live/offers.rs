use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trolley_model::{Item, Model};

/// A pushed special offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Its ID, unique in its market.
    pub id: String,
    /// The items that it covers, at least one.
    pub items: Vec<String>,
    /// When it begins; `None` for no limit.
    pub valid_from: Option<DateTime<Utc>>,
    /// When it ends (exclusive); `None` for no limit.
    pub valid_to: Option<DateTime<Utc>>,
    /// The stores where it is valid, sorted; everywhere if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<String>,
    /// Numbers that describe its strength, such as a discount. Only names that the model was trained with have an
    /// effect.
    pub numbers: BTreeMap<String, f32>,
}

/// What is wrong with an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum OfferError {
    #[error("valid_to is not after valid_from")]
    EndsBeforeItBegins,
    #[error("an offer covers at least one item")]
    NoItems,
    #[error("an offer covers at most {} items", Offer::MOST_ITEMS)]
    TooManyItems,
    #[error("an offer names at most {} stores", Offer::MOST_STORES)]
    TooManyStores,
    #[error("an ID has 1 to {} bytes", Offer::LONGEST_ID)]
    IdLength,
    #[error(
        "an offer has at most {} numbers, each with a name of 1 to {} bytes",
        Offer::MOST_NUMBERS,
        Offer::LONGEST_ID
    )]
    TooManyNumbers,
    #[error("a number is between -1e12 and 1e12")]
    NotFinite,
}

impl Offer {
    /// Maximum number of items in one offer.
    pub const MOST_ITEMS: usize = 10_000;
    /// Maximum number of stores of one offer.
    pub const MOST_STORES: usize = 10_000;
    /// Maximum number of numbers of one offer.
    pub const MOST_NUMBERS: usize = 16;
    /// Maximum absolute value of such a number: scores that a blend computes from it stay finite.
    pub const LARGEST_NUMBER: f32 = 1e12;
    /// Maximum length of any ID from outside in bytes.
    pub const LONGEST_ID: usize = 256;

    /// Checks what its type does not.
    ///
    /// # Errors
    /// The first invalid field, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, OfferError)> {
        let id_fits = |id: &String| (1..=Self::LONGEST_ID).contains(&id.len());
        if !id_fits(&self.id) {
            Err(("id", OfferError::IdLength))
        } else if self.items.is_empty() {
            Err(("items", OfferError::NoItems))
        } else if self.items.len() > Self::MOST_ITEMS {
            Err(("items", OfferError::TooManyItems))
        } else if !self.items.iter().all(id_fits) {
            Err(("items", OfferError::IdLength))
        } else if self.stores.len() > Self::MOST_STORES {
            Err(("stores", OfferError::TooManyStores))
        } else if !self.stores.iter().all(id_fits) {
            Err(("stores", OfferError::IdLength))
        } else if matches!((self.valid_from, self.valid_to), (Some(from), Some(to)) if to <= from) {
            Err(("valid_to", OfferError::EndsBeforeItBegins))
        } else if self.numbers.len() > Self::MOST_NUMBERS || !self.numbers.keys().all(id_fits) {
            Err(("numbers", OfferError::TooManyNumbers))
        } else if !self.numbers.values().all(|number| number.abs() <= Self::LARGEST_NUMBER) {
            Err(("numbers", OfferError::NotFinite))
        } else {
            Ok(())
        }
    }

    /// Whether it is active at a time: from `valid_from` up to but not including `valid_to`.
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.valid_from.is_none_or(|from| from <= now) && self.valid_to.is_none_or(|to| now < to)
    }

    /// Whether it is valid in a store. The stores must be sorted.
    pub fn is_in(&self, store: &str) -> bool {
        self.stores.is_empty() || self.stores.binary_search_by(|own| own.as_str().cmp(store)).is_ok()
    }

    /// Its numbers by name.
    pub fn named_numbers(&self) -> Vec<(&str, f32)> {
        self.numbers.iter().map(|(name, &number)| (name.as_str(), number)).collect()
    }

    /// The numbers of its items that the model knows.
    pub fn known_items(&self, model: &Model) -> Vec<Item> {
        self.items.iter().filter_map(|id| model.catalogue().position(id)).collect()
    }
}
