//! The columns that a table is asked for.

/// A column that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// What we call it.
    pub(super) ours: String,
    /// Its name in the file.
    pub(super) name: String,
    /// Whether the file must have it.
    pub(super) required: bool,
}

impl Wanted {
    /// A column that must be there.
    pub(super) fn required(ours: &str, name: &str) -> Self {
        Self { ours: ours.to_owned(), name: name.to_owned(), required: true }
    }

    /// A column that must be there if its name was given, and is used under its default name if it is there.
    pub(super) fn optional(ours: &str, given: Option<&String>) -> Self {
        Self { ours: ours.to_owned(), name: given.map_or(ours, String::as_str).to_owned(), required: given.is_some() }
    }
}
