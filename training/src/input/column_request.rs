//! The columns requested of a table.

/// A requested column.
#[derive(Clone, Debug)]
pub(super) struct ColumnRequest {
    /// Our name of the column.
    pub(super) ours: String,
    /// Its name in the file.
    pub(super) name: String,
    /// Whether the file must have it.
    pub(super) required: bool,
}

impl ColumnRequest {
    /// A required column.
    pub(super) fn required(ours: &str, name: &str) -> Self {
        Self { ours: ours.to_owned(), name: name.to_owned(), required: true }
    }

    /// An optional column: required if a name was given, and otherwise used if it exists under our name.
    pub(super) fn optional(ours: &str, given: Option<&String>) -> Self {
        Self { ours: ours.to_owned(), name: given.map_or(ours, String::as_str).to_owned(), required: given.is_some() }
    }
}
