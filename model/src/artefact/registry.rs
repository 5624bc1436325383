use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::{ArtefactError, Draft, Manifest, content, manifest, publish};
use crate::files;
use crate::model::Model;
use crate::name::Name;
use crate::profile_config::ProfileConfig;

/// The folder in which all markets' models are published.
#[derive(Clone, Debug)]
pub struct ModelRegistry {
    models: PathBuf,
}

/// An opened model with its manifest.
#[derive(Debug)]
pub struct Opened {
    /// The manifest.
    pub manifest: Manifest,
    /// The model.
    pub model: Model,
}

impl ModelRegistry {
    /// The registry in the folder `models`, which need not exist yet.
    pub fn new(models: impl Into<PathBuf>) -> Self {
        Self { models: models.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.models
    }

    /// The registry of the models that failed their gate: retained for inspection, never served.
    #[must_use]
    pub fn rejected(&self) -> Self {
        Self { models: self.models.join(".rejected") }
    }

    /// The registry of held-out models: for each version, the model trained only on the days before its test, on which
    /// it was evaluated. The next model is compared with it.
    #[must_use]
    pub fn held_out(&self) -> Self {
        Self { models: self.models.join(".held-out") }
    }

    /// The markets with a published model, sorted. Folders whose names are not valid are ignored.
    ///
    /// # Errors
    /// If the folder can't be read; one that does not exist has no markets.
    pub fn markets(&self) -> Result<Vec<Name>, ArtefactError> {
        let mut markets = folders(&self.models)?;
        markets.retain(|market| self.models.join(market).join(publish::POINTER).is_file() && !self.is_retired(market));
        Ok(markets)
    }

    /// Whether a market is out of service until its next publication.
    pub fn is_retired(&self, market: &Name) -> bool {
        self.models.join(market).join(publish::RETIRED).exists()
    }

    /// Takes a market out of service until its next publication. Its models are retained.
    ///
    /// # Errors
    /// If it has no model, or the file system fails.
    pub fn retire(&self, market: &Name) -> Result<(), ArtefactError> {
        self.current(market)?;
        publish::mark(&self.models.join(market), publish::RETIRED)
    }

    /// Whether the current version is pinned: publications do not replace it.
    pub fn is_pinned(&self, market: &Name) -> bool {
        self.models.join(market).join(publish::PINNED).exists()
    }

    /// The versions of a market, oldest first. Versions are named after their time, so that names sort by time.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn versions(&self, market: &Name) -> Result<Vec<Name>, ArtefactError> {
        folders(&self.models.join(market))
    }

    /// The name, length and modification time of each file of a version. Shows whether anything has arrived since the
    /// last scan, without reading files.
    pub fn traces(&self, market: &Name, version: &Name) -> Vec<(OsString, u64, Option<SystemTime>)> {
        let files = fs::read_dir(self.models.join(market).join(version)).into_iter().flatten().flatten();
        let trace = |file: fs::DirEntry| {
            let facts = file.metadata().ok()?;
            Some((file.file_name(), facts.len(), facts.modified().ok()))
        };
        let mut traces: Vec<_> = files.filter_map(trace).collect();
        traces.sort();
        traces
    }

    /// The version in service.
    ///
    /// # Errors
    /// If the market has none or its pointer is damaged.
    pub fn current(&self, market: &Name) -> Result<Name, ArtefactError> {
        let path = self.models.join(market).join(publish::POINTER);
        let text = files::read_text(&path, LONGEST_POINTER).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => {
                ArtefactError::NoModel { market: market.clone(), models: self.models.clone() }
            }
            _ => ArtefactError::Io { path: path.clone(), source },
        })?;
        Name::new(text.trim_end()).map_err(|source| ArtefactError::BadPointer { path, source })
    }

    /// Makes another version the current one: a rollback, or its reverse. Its manifest must be valid. It stays until
    /// the next publication or, if `pinned`, until this is called again. A retired market is back in service.
    ///
    /// # Errors
    /// If there is no such version, or it can't be read, or a publication is under way.
    pub fn set_current(&self, market: &Name, version: &Name, pinned: bool) -> Result<Manifest, ArtefactError> {
        let market_dir = self.models.join(market);
        self.manifest(market, version)?;
        let _lock = publish::lock(&market_dir)?;
        // With the lock held it cannot be removed, but it may have been before.
        let manifest = self.manifest(market, version)?;
        publish::point_to(&market_dir, version)?;
        if pinned {
            publish::mark(&market_dir, publish::PINNED)?;
        } else {
            publish::remove(&market_dir.join(publish::PINNED))?;
        }
        publish::remove(&market_dir.join(publish::RETIRED))?;
        Ok(manifest)
    }

    /// The version before the current one.
    ///
    /// # Errors
    /// If there is no current version or it is the oldest.
    pub fn previous(&self, market: &Name) -> Result<Name, ArtefactError> {
        let current = self.current(market)?;
        let older = self.versions(market)?.into_iter().rfind(|version| *version < current);
        older.ok_or_else(|| ArtefactError::NoVersion { market: market.clone(), version: current })
    }

    /// Publishes a model and makes it the current one, unless another one is pinned.
    ///
    /// # Errors
    /// If its version exists, another process is publishing, or the file system fails.
    pub fn publish(&self, draft: &Draft<'_>) -> Result<Manifest, ArtefactError> {
        publish::publish(&self.models.join(&draft.market), draft)
    }

    /// The verified manifest of a version.
    ///
    /// # Errors
    /// If there is no such version or the manifest is damaged or of another format.
    pub fn manifest(&self, market: &Name, version: &Name) -> Result<Manifest, ArtefactError> {
        let folder = self.models.join(market).join(version);
        if !folder.is_dir() {
            return Err(ArtefactError::NoVersion { market: market.clone(), version: version.clone() });
        }
        let path = folder.join(manifest::FILE);
        let manifest =
            manifest::decode(&path, &files::read(&path, LONGEST_MANIFEST).map_err(ArtefactError::io(&path))?)?;
        if (&manifest.market, &manifest.version) != (market, version) {
            let reason = format!("it is of {} {}, not of {market} {version}", manifest.market, manifest.version);
            return Err(ArtefactError::Manifest { path, reason });
        }
        Ok(manifest)
    }

    /// Opens a version. Everything is read into memory and verified; the files are not needed afterwards.
    ///
    /// # Errors
    /// If anything differs from the manifest or is inconsistent.
    pub fn open(&self, market: &Name, version: &Name) -> Result<Opened, ArtefactError> {
        let manifest = self.manifest(market, version)?;
        let folder = self.models.join(market).join(version);
        let path = folder.join(manifest::FILE);
        if !manifest.files.keys().map(String::as_str).eq({
            let mut names = content::FILES;
            names.sort_unstable();
            names
        }) {
            return Err(ArtefactError::Manifest { path, reason: "it does not list the files of this format".into() });
        }
        let verified = |name: &'static str| {
            let path = folder.join(name);
            let facts = &manifest.files[name];
            let found = fs::metadata(&path).map_err(ArtefactError::io(&path))?.len();
            if found != facts.bytes {
                return Err(ArtefactError::Length { path, expected: facts.bytes, found });
            }
            let (bytes, hash) = read(&path, found).map_err(ArtefactError::io(&path))?;
            if hash.to_hex().as_str() != facts.blake3 {
                return Err(ArtefactError::Hash { path });
            }
            Ok(bytes)
        };
        let refuse = |(file, source): content::Refused| ArtefactError::Content { path: folder.join(file), source };
        let profiles = match &manifest.config {
            serde_json::Value::Null => ProfileConfig::default(),
            config => ProfileConfig::deserialize(config).map_err(|error| {
                let reason = format!("its training config is not valid: {error}");
                ArtefactError::Manifest { path: path.clone(), reason }
            })?,
        };
        let parts = content::decode(manifest.weights.clone(), profiles, verified, refuse)?;
        let model = Model::new(parts).map_err(|source| ArtefactError::Content { path: folder.clone(), source })?;
        Ok(Opened { manifest, model })
    }
}

/// Maximum length of the pointer in bytes: a name and an end of line.
const LONGEST_POINTER: u64 = 256;

/// Maximum length of a manifest in bytes.
const LONGEST_MANIFEST: u64 = 16 << 20;

/// Reads a file and hashes it, in chunks: copying a whole file in one system call blocked answers on that processor for
/// milliseconds on a kernel without preemption (docs/performance.md).
fn read(path: &Path, length: u64) -> std::io::Result<(Vec<u8>, blake3::Hash)> {
    const PIECE: u64 = 256 << 10;
    let (mut file, mut hasher) = (files::open(path)?.take(length.saturating_add(1)), blake3::Hasher::new());
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
    loop {
        let before = bytes.len();
        if file.by_ref().take(PIECE).read_to_end(&mut bytes)? == 0 {
            return Ok((bytes, hasher.finalize()));
        }
        hasher.update(&bytes[before..]);
    }
}

/// The sub-folders whose names are valid, sorted.
fn folders(path: &Path) -> Result<Vec<Name>, ArtefactError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(ArtefactError::io(path)(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(ArtefactError::io(path))?;
        if let Some(name) = entry.file_name().to_str().and_then(|name| Name::new(name).ok())
            && entry.path().is_dir()
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
