//! The artefact: a trained model on disk.
//!
//! `<models>/<market>/<version>/` holds finalfusion files for the vectors, safetensors files for everything else, and
//! `manifest.json`, written last, with the length and BLAKE3 hash of each. `<models>/<market>/current` names the
//! version in service.
//!
//! Publishing either happens as a whole or not at all; opening trusts nothing: lengths and hashes are verified, then
//! every count, offset, ID and number is checked.

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

/// The format that this code writes, and the only one that it reads. It grows when a reader of the old one would
/// misread the new one, whatever the crate's version does.
pub const FORMAT: u32 = 3;
