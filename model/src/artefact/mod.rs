//! The artefact: a trained model on disk.
//!
//! `<models>/<market>/<version>/` holds finalfusion files for the vectors, safetensors files for other columns, and
//! `manifest.json`, written last, with the length and BLAKE3 hash of each file. `<models>/<market>/current` names the
//! version in service.
//!
//! Publishing is atomic. Opening trusts nothing: lengths and hashes are verified, then every count, offset, ID and
//! number.

mod attributes;
mod content;
mod draft;
mod error;
mod fifu;
mod manifest;
mod prune;
mod publish;
mod registry;
mod tensors;

pub use draft::Draft;
pub use error::ArtefactError;
pub use manifest::{DataFacts, FileFacts, Judgement, Manifest, Verdict};
pub use registry::{ModelRegistry, Opened};

/// The format that this code writes, and the only one that it reads. It is increased when an old reader would misread
/// the new format, independently of the crate's version.
pub const FORMAT: u32 = 3;
