//! Table formats whose files must not be read one by one: their files can contain deleted rows.

use std::path::Path;

use super::InputError;

/// Refuses a path that is a Delta, Iceberg or Hudi table, or lies inside one.
pub(super) fn refuse(path: &Path) -> Result<(), InputError> {
    for folder in path.ancestors() {
        // The last ancestor of a relative path is empty; it stands for the working directory.
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let Some(format) = format(here) {
            return Err(InputError::Lakehouse { path: here.to_owned(), format });
        }
    }
    Ok(())
}

fn format(folder: &Path) -> Option<&'static str> {
    if folder.join("_delta_log").is_dir() {
        return Some("Delta Lake");
    }
    if folder.join(".hoodie").is_dir() {
        return Some("Apache Hudi");
    }
    let metadata = folder.join("metadata").read_dir().ok()?;
    let is_iceberg = metadata.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.ends_with(".metadata.json") || name.ends_with(".metadata.json.gz") || name == "version-hint.text"
    });
    is_iceberg.then_some("Apache Iceberg")
}
