use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Exposure;

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
    // They are named by the time.
    files.sort();
    Ok(files)
}

/// A new file, named by the time, after removing the oldest so that at most `most` are left.
pub(super) fn create(folder: &Path, most: usize) -> io::Result<File> {
    let files = files(folder)?;
    for old in &files[..(files.len() + 1).saturating_sub(most.max(1))] {
        std::fs::remove_file(old)?;
    }
    let now = chrono::Utc::now().format("%Y-%m-%dt%H-%M-%S%.6fz");
    let path = folder.join(format!("exposures-{now}.{ENDING}"));
    private().append(true).create_new(true).open(path)
}

/// Writes a text that only its owner may read.
pub(super) fn write_privately(path: &Path, text: &str) -> io::Result<()> {
    private().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes the lines of some customers out of all files. A file that has any is written anew beside itself and put in its
/// place as a whole.
pub(super) fn without(folder: &Path, customers: &[String]) -> io::Result<()> {
    let customers: HashSet<&str> = customers.iter().map(String::as_str).collect();
    let gone = |line: &str| {
        let line: Result<Exposure, _> = serde_json::from_str(line);
        line.is_ok_and(|line| line.customer.is_some_and(|customer| customers.contains(customer.as_str())))
    };
    for path in files(folder)? {
        let lines = || Ok::<_, io::Error>(BufReader::new(File::open(&path)?).lines());
        let mut any = false;
        for line in lines()? {
            any |= gone(&line?);
        }
        if any {
            let beside = path.with_extension("new");
            let mut kept = BufWriter::new(private().write(true).create(true).truncate(true).open(&beside)?);
            for line in lines()? {
                let line = line?;
                if !gone(&line) {
                    writeln!(kept, "{line}")?;
                }
            }
            kept.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            std::fs::rename(&beside, &path)?;
        }
    }
    Ok(())
}
