//! What can be wrong with the parts of a model.

use crate::texts::TooLarge;

/// Parts that make no model: a file that was changed or cut short, a configured name that does not exist, or numbers that do not
/// fit each other. Each message says which part and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Lists, tables or shapes that should be of the same length, or a list that is too long.
    #[error("{0}")]
    Length(String),
    /// Numbers that should be sorted, or offsets that should never fall.
    #[error("{0}")]
    Order(String),
    /// A number that refers to an entry beyond its table.
    #[error("{0}")]
    Range(String),
    /// A number that is NaN, infinite, or out of its bounds.
    #[error("{0}")]
    Number(String),
    /// Something that should be there once and is there twice.
    #[error("{0}")]
    Duplicate(String),
    /// A name that is not known, or not allowed.
    #[error("{0}")]
    Name(String),
    /// Bytes that are not in the format of their file.
    #[error("{0}")]
    Encoding(String),
    /// More text than a table holds.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// The largest number that a model may hold: a score of many stays finite.
pub(crate) const LARGEST: f32 = 1e12;
