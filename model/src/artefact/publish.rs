use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::draft::Draft;
use super::{ArtefactError, FileFacts, Manifest, content, manifest};
use crate::error::ModelError;
use crate::name::Name;

/// Prefix of folders that are being written or removed: they are not versions.
pub(super) const UNFINISHED: &str = ".unfinished-";
const LOCK: &str = ".publishing";
pub(super) const POINTER: &str = "current";
/// Marks the pointer as fixed, whatever is published.
pub(super) const PINNED: &str = "pinned";
/// Marks a market as out of service until its next publication.
pub(super) const RETIRED: &str = "retired";

/// Writes the draft under `market_dir` and makes it the current version, unless another one is pinned.
///
/// Order: temporary folder, files, fsync, manifest, fsync, rename, fsync of the parent, pointer. Whenever the process
/// dies, either the old model or the new one is in service. Folders left by a killed process are removed here.
pub(super) fn publish(market_dir: &Path, draft: &Draft<'_>) -> Result<Manifest, ArtefactError> {
    fs::create_dir_all(market_dir).map_err(ArtefactError::write(market_dir))?;
    // At the first publication the folders themselves are new.
    for parent in market_dir.ancestors().skip(1).take(2).filter(|parent| !parent.as_os_str().is_empty()) {
        sync(parent)?;
    }
    let _lock = lock(market_dir)?;
    remove_unfinished(market_dir)?;
    let target = market_dir.join(&draft.version);
    if target.exists() {
        return Err(ArtefactError::VersionExists { market: draft.market.clone(), version: draft.version.clone() });
    }
    let folder = market_dir.join(format!("{UNFINISHED}{}", draft.version));
    fs::create_dir(&folder).map_err(ArtefactError::write(&folder))?;
    let refused = |(file, source): content::Refused| ArtefactError::Content { path: folder.join(file), source };
    let mut files = BTreeMap::new();
    for (name, bytes) in content::encode(draft.parts).map_err(refused)? {
        write(&folder.join(name), &bytes)?;
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        files.insert(name.to_owned(), FileFacts { bytes: bytes.len() as u64, blake3 });
    }
    sync(&folder)?;
    let manifest = draft.manifest(files);
    let bytes =
        manifest::encode(&manifest).map_err(|e| refused((manifest::FILE, ModelError::Encoding(e.to_string()))))?;
    write(&folder.join(manifest::FILE), &bytes)?;
    sync(&folder)?;
    fs::rename(&folder, &target).map_err(ArtefactError::write(&target))?;
    sync(market_dir)?;
    remove(&market_dir.join(RETIRED))?;
    if !market_dir.join(PINNED).exists() {
        point_to(market_dir, &draft.version)?;
    }
    Ok(manifest)
}

/// Makes `version` the current one, atomically.
pub(super) fn point_to(market_dir: &Path, version: &Name) -> Result<(), ArtefactError> {
    let (pointer, new) = (market_dir.join(POINTER), market_dir.join(".current.new"));
    write(&new, format!("{version}\n").as_bytes())?;
    fs::rename(&new, &pointer).map_err(ArtefactError::write(&pointer))?;
    sync(market_dir)
}

/// The lock for publishing and rollback; the system releases it when the process ends.
pub(super) fn lock(market_dir: &Path) -> Result<File, ArtefactError> {
    let path = market_dir.join(LOCK);
    let file = File::create(&path).map_err(ArtefactError::write(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ArtefactError::Busy { path: market_dir.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(ArtefactError::Write { path, source }),
    }
}

fn remove_unfinished(market_dir: &Path) -> Result<(), ArtefactError> {
    for entry in fs::read_dir(market_dir).map_err(ArtefactError::io(market_dir))? {
        let entry = entry.map_err(ArtefactError::io(market_dir))?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path()).map_err(ArtefactError::write(&entry.path()))?;
        }
    }
    Ok(())
}

/// Creates an empty marker file beside the versions.
pub(super) fn mark(market_dir: &Path, file: &str) -> Result<(), ArtefactError> {
    write(&market_dir.join(file), b"")?;
    sync(market_dir)
}

/// Removes a file if it exists.
pub(super) fn remove(path: &Path) -> Result<(), ArtefactError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ArtefactError::write(path)(error)),
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ArtefactError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(ArtefactError::write(path))
}

fn sync(folder: &Path) -> Result<(), ArtefactError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(ArtefactError::write(folder))
}
