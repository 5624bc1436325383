use std::io;
use std::path::{Path, PathBuf};

use crate::error::ModelError;
use crate::name::{BadName, Name};

/// Errors of opening or publishing a model. Each message says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ArtefactError {
    #[error("no model is published for market `{market}` in {models}: run `trolley train` first")]
    NoModel { market: Name, models: PathBuf },
    #[error("market `{market}` has no model of version `{version}`: `trolley models list` shows those that it has")]
    NoVersion { market: Name, version: Name },
    #[error("{path} names no version: {source}; write one of the market's versions into it, or publish again")]
    BadPointer { path: PathBuf, source: BadName },
    #[error("{path} is missing: the artefact is not whole; if it is not being copied, publish the model again")]
    Missing { path: PathBuf },
    #[error("{path} has {found} bytes where the manifest says {expected}: the artefact is damaged, publish it again")]
    Length { path: PathBuf, expected: u64, found: u64 },
    #[error("{path} does not have the hash that it was written with: the artefact is damaged, publish it again")]
    Hash { path: PathBuf },
    #[error("{path} has format {found}, this version of trolley reads {supported}: {}", advice(*.found, *.supported))]
    Format { path: PathBuf, found: u64, supported: u32 },
    #[error("{path} is not a valid manifest: {reason}")]
    Manifest { path: PathBuf, reason: String },
    #[error("{path} ends too early: the artefact is not whole; if it is not being copied, publish the model again")]
    Cut { path: PathBuf },
    #[error("{path} is refused: {source}")]
    Content { path: PathBuf, source: ModelError },
    #[error("version `{version}` of market `{market}` exists already: a published model is never overwritten")]
    VersionExists { market: Name, version: Name },
    #[error("another process is publishing to {path} right now: wait for it")]
    Busy { path: PathBuf },
    #[error("{path} cannot be written: {source}; what was published before stays as it is")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

fn advice(found: u64, supported: u32) -> &'static str {
    if found > u64::from(supported) { "update trolley" } else { "train the model again" }
}

impl ArtefactError {
    /// Whether files may still arrive: tools that copy models do so file by file, in any order.
    pub fn is_incomplete(&self) -> bool {
        match self {
            Self::NoVersion { .. } | Self::Missing { .. } | Self::Cut { .. } => true,
            Self::Length { expected, found, .. } => found < expected,
            _ => false,
        }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}
