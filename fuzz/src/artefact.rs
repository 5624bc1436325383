//! Any content of any file of an artefact is opened or refused, also when its hash is right. The first byte says which
//! file; what follows is put in the place of a part of it.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;

struct Bench {
    folder: tempfile::TempDir,
    files: Vec<(String, Vec<u8>)>,
    manifest: serde_json::Value,
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures/format-3/xx/v1");
    let folder = tempfile::Builder::new().tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let target = folder.path().join("xx/v1");
    std::fs::create_dir_all(&target).unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(source).unwrap() {
        let (name, bytes) = (entry.as_ref().unwrap().file_name(), std::fs::read(entry.unwrap().path()).unwrap());
        std::fs::write(target.join(&name), &bytes).unwrap();
        files.push((name.into_string().unwrap(), bytes));
    }
    files.sort();
    let manifest = files.iter().find(|(name, _)| name == "manifest.json").unwrap();
    let manifest = serde_json::from_slice(&manifest.1).unwrap();
    Bench { folder, files, manifest }
});

impl Bench {
    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("xx/v1").join(file)
    }

    /// The manifest with right hashes.
    fn sign(&self, file: &str, content: &[u8]) -> String {
        let mut value = self.manifest.clone();
        value["files"][file] =
            serde_json::json!({"bytes": content.len(), "blake3": blake3::hash(content).to_hex().to_string()});
        signed(&(serde_json::to_string_pretty(&value).unwrap() + "\n"), value["blake3"].as_str().unwrap())
    }
}

fn signed(text: &str, hash: &str) -> String {
    let zeroed = text.replace(hash, &"0".repeat(64));
    text.replace(hash, blake3::hash(zeroed.as_bytes()).to_hex().as_str())
}

fuzz_target!(|bytes: &[u8]| {
    let [file, high, low, rest @ ..] = bytes else { return };
    let (name, whole) = &BENCH.files[usize::from(*file) % BENCH.files.len()];
    let at = usize::from(u16::from_be_bytes([*high, *low])) % (whole.len() + 1);
    let mut content = whole[..at].to_vec();
    content.extend_from_slice(rest);
    content.extend_from_slice(whole.get(at + rest.len()..).unwrap_or(&[]));
    if name == "manifest.json" {
        let text = String::from_utf8_lossy(&content).into_owned();
        std::fs::write(BENCH.path(name), signed(&text, BENCH.manifest["blake3"].as_str().unwrap())).unwrap();
    } else {
        std::fs::write(BENCH.path(name), &content).unwrap();
        std::fs::write(BENCH.path("manifest.json"), BENCH.sign(name, &content)).unwrap();
    }
    let (market, version) = (Name::new("xx").unwrap(), Name::new("v1").unwrap());
    if let Ok(opened) = ModelRegistry::new(BENCH.folder.path()).open(&market, &version)
        && opened.model.catalogue().items().len() > 0
        && opened.model.histories().customers().len() > 0
    {
        // What is opened can be asked.
        let ask = trolley_model::Query { items: &[trolley_model::Item(0)], customer: Some(opened.model.profile(trolley_model::Customer(0))), ..Default::default() };
        let limits = trolley_model::recommend::Limits::best(6);
        trolley_model::recommend::bought_together(&opened.model, &ask, &limits);
        trolley_model::recommend::alternatives(&opened.model, &ask, &limits);
    }
    std::fs::write(BENCH.path(name), whole).unwrap();
});
