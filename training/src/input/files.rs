//! Finds the files of a path: the file itself, everything in a folder and its sub-folders, or the matches of a glob.
//!
//! Every file is either read, or listed in [`Found::passed_over`], or an error.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::{InputError, lakehouse};

/// Maximum depth of sub-folders; a deeper one is taken for a cyclic link.
const DEEPEST: usize = 32;

/// The files of a table.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The files that are read, sorted.
    pub files: Vec<PathBuf>,
    /// The files that are skipped: hidden ones (`_SUCCESS`, `.crc`), empty ones, and tables that nearly match the glob.
    pub passed_over: Vec<PathBuf>,
}

/// Finds the files of a table.
///
/// # Errors
/// If there is none, if one has an unsupported format, or if they belong to a lakehouse table.
pub fn find(pattern: &str) -> Result<Found, InputError> {
    let path = Path::new(pattern);
    let mut search = Search::default();
    if path.is_file() {
        search.files.insert(path.to_owned());
    } else if path.is_dir() {
        search.folder(path, 0)?;
    } else {
        search.glob(pattern)?;
    }
    for file in &search.files {
        lakehouse::refuse(file)?;
    }
    let Search { files, mut passed_over, .. } = search;
    let empty = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() == 0);
    let (empty, mut files): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(empty);
    // An empty file among others comes from a writer without rows. If all files are empty, that is an error.
    if files.is_empty() {
        files = empty;
    } else {
        passed_over.extend(empty);
    }
    if files.is_empty() {
        return Err(InputError::NoFiles(pattern.to_owned()));
    }
    Ok(Found { files, passed_over: passed_over.into_iter().collect() })
}

#[derive(Default)]
struct Search {
    files: BTreeSet<PathBuf>,
    passed_over: BTreeSet<PathBuf>,
}

impl Search {
    /// Adds all files in a folder.
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), InputError> {
        let io = |source| InputError::Io { path: folder.to_owned(), source };
        if depth > DEEPEST {
            let reason = "its sub-folders are too deep: does one link to itself?".into();
            return Err(InputError::Read { path: folder.to_owned(), reason });
        }
        lakehouse::refuse(folder)?;
        for entry in folder.read_dir().map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.file_name().is_some_and(|name| is_hidden(&name.to_string_lossy())) {
                self.passed_over.insert(path);
            } else {
                self.visible(path, depth + 1)?;
            }
        }
        Ok(())
    }

    fn visible(&mut self, path: PathBuf, depth: usize) -> Result<(), InputError> {
        if path.is_dir() {
            return self.folder(&path, depth);
        }
        // Skipping it silently could lose half of the history.
        if !is_table(&path) {
            return Err(InputError::Unknown { path });
        }
        self.files.insert(path);
        Ok(())
    }

    fn glob(&mut self, pattern: &str) -> Result<(), InputError> {
        let bad = |reason: String| InputError::Glob { pattern: pattern.to_owned(), reason };
        let matches: Result<Vec<PathBuf>, _> = glob::glob(pattern).map_err(|e| bad(e.to_string()))?.collect();
        let matches = matches.map_err(|e| bad(e.to_string()))?;
        let named: Vec<Component<'_>> = Path::new(pattern).components().collect();
        for path in &matches {
            // A hidden folder that the pattern names itself is wanted.
            let hidden = |part: Component<'_>| is_hidden(&part.as_os_str().to_string_lossy()) && !named.contains(&part);
            if path.components().any(hidden) {
                self.passed_over.insert(path.clone());
            } else {
                self.visible(path.clone(), 0)?;
            }
        }
        // Files that the glob misses only by upper or lower case or by compression: `2023.CSV`, `2023.csv.gz`.
        let any_case = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::default() };
        let meant = glob::Pattern::new(pattern).map_err(|e| bad(e.to_string()))?;
        let folders: BTreeSet<&Path> = matches.iter().filter_map(|path| path.parent()).collect();
        for folder in folders {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let beside = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
            let beside = beside.map(|path| path.strip_prefix("./").map(Path::to_owned).unwrap_or(path));
            self.passed_over.extend(beside.filter(|path| {
                let name = path.to_string_lossy();
                let name = uncompressed(&name);
                path.is_file() && !matches.contains(path) && meant.matches_with(name, any_case)
            }));
        }
        Ok(())
    }
}

/// A name without the suffix of a compression.
fn uncompressed(name: &str) -> &str {
    [".gz", ".zst", ".zstd"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// Whether a file is hidden or metadata by convention, such as Spark's `_SUCCESS`.
fn is_hidden(name: &str) -> bool {
    (name.starts_with('.') && name != "." && name != "..") || name.starts_with('_')
}

/// The supported formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Apache Parquet.
    Parquet,
    /// Delimiter-separated text, possibly compressed.
    Csv,
}

/// The format of a file by its first bytes: names can be wrong, and part files of Hadoop have no suffix.
pub(super) fn format(path: &Path) -> Result<Format, InputError> {
    let io = |source| InputError::Io { path: path.to_owned(), source };
    let mut magic = [0; 4];
    let mut file = std::fs::File::open(path).map_err(io)?;
    let is_parquet = match file.read_exact(&mut magic) {
        Ok(()) => &magic == b"PAR1",
        Err(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => false,
        Err(source) => return Err(io(source)),
    };
    let ending = path.extension().map(std::ffi::OsStr::to_ascii_lowercase).unwrap_or_default();
    let named_parquet = ending == "parquet" || ending == "pq";
    Ok(if is_parquet || named_parquet { Format::Parquet } else { Format::Csv })
}

/// Whether the name of a file found in a folder or by a glob is that of a table.
fn is_table(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = uncompressed(&name);
    // Hadoop and Hive write part files without a suffix.
    let is_part = name.starts_with("part-") && !name.contains('.');
    is_part || [".csv", ".tsv", ".psv", ".parquet", ".pq"].iter().any(|ending| name.ends_with(ending))
}

/// The partition columns that a path gives to all rows of its file: `…/market=de/date=2024-01-01/part-0.csv`.
pub(super) fn partitions(path: &Path) -> Vec<(String, String)> {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let pair = |part: Component<'_>| {
        let text = part.as_os_str().to_str()?.to_owned();
        let (name, value) = text.split_once('=')?;
        (!name.is_empty()).then(|| (unescaped(name), unescaped(value)))
    };
    folders.filter_map(pair).collect()
}

/// Decodes a partition value: Hive and Spark write special characters as `%` and two hexadecimal digits, and have a
/// reserved name for null.
fn unescaped(text: &str) -> String {
    if text == "__HIVE_DEFAULT_PARTITION__" {
        return String::new();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_columns() {
        let found =
            partitions(Path::new("/lake/market=de/day=2024-01-01/kind=a%2Fb%zz/x=__HIVE_DEFAULT_PARTITION__/p=1"));
        let expected = [("market", "de"), ("day", "2024-01-01"), ("kind", "a/b%zz"), ("x", "")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn tables_are_known_by_their_names() {
        for name in ["a.csv", "a.CSV.gz", "a.tsv.zst", "a.parquet", "a.snappy.parquet", "part-00000", "part-0-5c.gz"] {
            assert!(is_table(Path::new(name)), "{name}");
        }
        for name in ["a.xlsx", "a.json", "a.gz", "a.txt", "parts", "part-0.crc"] {
            assert!(!is_table(Path::new(name)), "{name}");
        }
    }
}
