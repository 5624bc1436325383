use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::exposure::PSEUDONYM_LENGTH;

const ENDING: &str = "jsonl";

/// The files of the log, oldest first.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            files.push(path);
        }
    }
    // Their names contain the time.
    files.sort();
    Ok(files)
}

/// The newest file and its length, if it has room for more. Otherwise a new one, after removing the oldest so that at
/// most `most` files remain.
pub(super) fn open(folder: &Path, largest: u64, most: usize) -> io::Result<(File, u64)> {
    let files = files(folder)?;
    if let Some(newest) = files.last() {
        let mut file = private().read(true).append(true).open(newest)?;
        let length = file.metadata()?.len();
        if length < largest && is_whole(&mut file, length)? {
            return Ok((file, length));
        }
    }
    for old in &files[..(files.len() + 1).saturating_sub(most.max(1))] {
        std::fs::remove_file(old)?;
    }
    let now = chrono::Utc::now().format("%Y-%m-%dt%H-%M-%S%.6fz");
    let path = folder.join(format!("exposures-{now}.{ENDING}"));
    Ok((private().append(true).create_new(true).open(path)?, 0))
}

/// Whether the last line is complete: a killed process may have left half of one.
fn is_whole(file: &mut File, length: u64) -> io::Result<bool> {
    let mut last = [b'\n'];
    if length > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last == [b'\n'])
}

/// Writes a text that only its owner may read, completely or not at all.
pub(super) fn write_privately(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = private().write(true).create(true).truncate(true).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(beside, path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Removes the lines of customers from files. A file that contains any is rewritten beside itself and replaced
/// atomically. An error in one file does not stop the others. A file that was rotated out meanwhile is no error.
pub(super) fn without(files: &[PathBuf], customers: &[String]) -> io::Result<()> {
    let customers: HashSet<&[u8]> = customers.iter().map(String::as_bytes).collect();
    let mut result = Ok(());
    for path in files {
        let taken_out = file_without(path, &customers);
        result = result.and(taken_out.or_else(|error| if path.exists() { Err(error) } else { Ok(()) }));
    }
    result
}

fn file_without(path: &Path, customers: &HashSet<&[u8]>) -> io::Result<()> {
    // Bytes, not strings: an incomplete line may end within a character.
    let lines = || Ok::<_, io::Error>(BufReader::new(File::open(path)?).split(b'\n'));
    let mut any = false;
    for line in lines()? {
        any |= is_of(&line?, customers);
    }
    if !any {
        return Ok(());
    }
    let beside = path.with_extension("new");
    let mut kept = BufWriter::new(private().write(true).create(true).truncate(true).open(&beside)?);
    for line in lines()? {
        let line = line?;
        if !is_of(&line, customers) {
            kept.write_all(&line)?;
            kept.write_all(b"\n")?;
        }
    }
    kept.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(&beside, path)
}

/// Whether a line belongs to one of these customers, or may, because its pseudonym is incomplete. Inside a JSON string
/// the quotes would be escaped, so nothing else matches the field.
fn is_of(line: &[u8], customers: &HashSet<&[u8]>) -> bool {
    const FIELD: &[u8] = b"\"customer\":\"";
    let Some(at) = line.windows(FIELD.len()).position(|bytes| bytes == FIELD) else { return false };
    line[at + FIELD.len()..]
        .split_first_chunk::<PSEUDONYM_LENGTH>()
        .is_none_or(|(name, _)| customers.contains(name.as_slice()))
}
