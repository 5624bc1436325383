use std::path::{Path, PathBuf};

use super::InputError;

/// The files that a path stands for, sorted: the file itself, those in the folder, or those that match the glob.
///
/// # Errors
/// If there is none, or it can't be read.
pub fn find(pattern: &str) -> Result<Vec<PathBuf>, InputError> {
    let path = Path::new(pattern);
    let mut files = if path.is_file() {
        vec![path.to_owned()]
    } else {
        let glob = if path.is_dir() { format!("{}/*", glob::Pattern::escape(pattern)) } else { pattern.to_owned() };
        let bad = |reason: String| InputError::Glob { pattern: pattern.to_owned(), reason };
        let found: Result<Vec<PathBuf>, _> = glob::glob(&glob).map_err(|e| bad(e.to_string()))?.collect();
        let mut found = found.map_err(|e| bad(e.to_string()))?;
        found.retain(|path| path.is_file() && !is_hidden(path));
        // Passed over in silence, half of a history might be missing.
        if let Some(path) = found.iter().find(|path| kind(path).is_none()) {
            return Err(InputError::Unknown { path: path.clone() });
        }
        found
    };
    if files.is_empty() {
        return Err(InputError::NoFiles(pattern.to_owned()));
    }
    files.sort();
    Ok(files)
}

/// Whether tools mean a file to be passed over, as Spark's `_SUCCESS`.
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b".") || name.as_encoded_bytes().starts_with(b"_"))
}

/// The formats that are read.
pub(super) enum Kind {
    Parquet,
    Csv,
}

/// The format of a file, by the end of its name.
pub(super) fn kind(path: &Path) -> Option<Kind> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "parquet" | "pq" => Some(Kind::Parquet),
        "csv" => Some(Kind::Csv),
        _ => None,
    }
}
