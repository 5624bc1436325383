//! Errors in the parts of a model.

use crate::texts::TooLarge;

/// Parts that are not a valid model: a file was changed or truncated, a configured name does not exist, or numbers are
/// inconsistent. Each message says which part and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Lists, tables or shapes with different lengths, or a list that is too long.
    #[error("{0}")]
    Length(String),
    /// Numbers that are not sorted, or offsets that decrease.
    #[error("{0}")]
    Order(String),
    /// An index beyond its table.
    #[error("{0}")]
    Range(String),
    /// A number that is NaN, infinite, or out of its bounds.
    #[error("{0}")]
    Number(String),
    /// A duplicate.
    #[error("{0}")]
    Duplicate(String),
    /// A name that is unknown or not allowed.
    #[error("{0}")]
    Name(String),
    /// Bytes that are not in the format of their file.
    #[error("{0}")]
    Encoding(String),
    /// More text than a table holds.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Largest absolute value of a number in a model, so that sums of many stay finite.
pub(crate) const LARGEST: f32 = 1e12;
