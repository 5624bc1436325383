use std::collections::BTreeMap;
use std::path::Path;

use super::{FindingKind, Findings};
use crate::input::{InputTable, TableRead};

/// Maximum number of file names in a finding.
const NAMES: usize = 5;

/// Checks the files of a table.
pub(super) fn find(table: InputTable, read: &TableRead, findings: &mut Findings) {
    // Metadata files of tools are listed, but are not a finding.
    let is_own = |path: &&Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".crc") || ["_SUCCESS", "_metadata", "_common_metadata", ".DS_Store"].contains(&&*name)
    };
    let others: Vec<&Path> =
        read.passed_over.iter().map(std::path::PathBuf::as_path).filter(|path| !is_own(path)).collect();
    if !others.is_empty() {
        let what = format!("{} beside the {} were not read: {}", others.len(), table.name(), names(&others));
        let advice = "hidden, empty, or not matched by the glob: rename them, widen the glob, or give the folder";
        findings.warn(FindingKind::FilesNotRead, table, what, advice);
    }
    let mut by_stem: BTreeMap<String, Vec<&Path>> = BTreeMap::new();
    for path in &read.files {
        by_stem.entry(stem(path)).or_default().push(path);
    }
    if let Some(same) = by_stem.values().find(|same| same.len() > 1) {
        let what = format!("{} have one name in several formats", names(same));
        let advice = "if they hold the same rows, move one of them away";
        findings.warn(FindingKind::SameTableTwice, table, what, advice);
    }
}

/// A path without the suffixes of format and compression.
fn stem(path: &Path) -> String {
    let mut stem = path.display().to_string();
    while let Some(shorter) = [".gz", ".zst", ".zstd", ".csv", ".tsv", ".psv", ".parquet", ".pq"]
        .iter()
        .find_map(|ending| stem.strip_suffix(ending))
    {
        stem.truncate(shorter.len());
    }
    stem
}

fn names(paths: &[&Path]) -> String {
    let mut text = paths.iter().take(NAMES).map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if paths.len() > NAMES {
        text.push_str(", …");
    }
    text
}
