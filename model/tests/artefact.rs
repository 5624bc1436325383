//! An artefact is complete or refused, and the error names what is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{name, publish};
use trolley_model::artefact::{ArtefactError, FORMAT, ModelRegistry};
use trolley_model::recommend::{Limits, Offer, PreparedOffers, alternatives, bought_together, offers};
use trolley_model::signals::NAMES;
use trolley_model::{Blend, Blends, Model, Query};

/// A published model, its folder, and the names of all its files.
fn published(folder: &Path) -> (ModelRegistry, PathBuf, Vec<String>) {
    let registry = publish(folder, "v1");
    let path = folder.join("xx/v1");
    let mut files: Vec<String> =
        fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files.len(), 11, "nine tables, the trees and the manifest: {files:?}");
    (registry, path, files)
}

fn refusal(registry: &ModelRegistry) -> ArtefactError {
    registry.open(&name("xx"), &name("v1")).expect_err("a damaged artefact was opened")
}

#[test]
fn every_file_cut_short_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, path, files) = published(folder.path());
    for file in &files {
        let whole = fs::read(path.join(file)).unwrap();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(path.join(file), &whole[..length]).unwrap();
            let error = refusal(&registry);
            assert!(error.to_string().contains(file.as_str()), "{file} cut to {length}: {error}");
        }
        fs::write(path.join(file), &whole).unwrap();
    }
    registry.open(&name("xx"), &name("v1")).unwrap();
}

#[test]
fn every_byte_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, path, files) = published(folder.path());
    for file in &files {
        let whole = fs::read(path.join(file)).unwrap();
        for at in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(path.join(file), &damaged).unwrap();
            let error = refusal(&registry);
            assert!(error.to_string().contains(file.as_str()), "{file}, byte {at}: {error}");
        }
        fs::write(path.join(file), &whole).unwrap();
    }
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, path, files) = published(folder.path());
    for file in &files {
        let whole = fs::read(path.join(file)).unwrap();
        fs::remove_file(path.join(file)).unwrap();
        let error = refusal(&registry);
        assert!(matches!(&error, ArtefactError::Missing { path } if path.ends_with(file)), "{file}: {error}");
        fs::write(path.join(file), &whole).unwrap();
    }
}

#[test]
fn another_format_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, path, _) = published(folder.path());
    let manifest = path.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let format = |number: u64| text.replace(&format!("\"format\": {FORMAT}"), &format!("\"format\": {number}"));
    fs::write(&manifest, format(99)).unwrap();
    let error = refusal(&registry);
    assert!(matches!(error, ArtefactError::Format { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("update trolley"), "{error}");
    fs::write(&manifest, format(0)).unwrap();
    assert!(refusal(&registry).to_string().contains("train the model again"));
}

/// Replaces a file and updates the manifest's hashes, as an attacker would.
fn forge(path: &Path, file: &str, content: &[u8]) {
    fs::write(path.join(file), content).unwrap();
    let manifest = path.join("manifest.json");
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    value["files"][file] = serde_json::json!({
        "bytes": content.len(), "blake3": blake3::hash(content).to_hex().to_string()
    });
    let text = serde_json::to_string_pretty(&value).unwrap() + "\n";
    let hash = value["blake3"].as_str().unwrap();
    let zeroed = text.replace(hash, &"0".repeat(64));
    fs::write(&manifest, text.replace(hash, blake3::hash(zeroed.as_bytes()).to_hex().as_str())).unwrap();
}

#[test]
fn a_number_that_is_not_finite_is_refused_though_its_hash_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, path, _) = published(folder.path());
    for file in ["items.input.fifu", "items.factors.fifu", "customers.factors.fifu"] {
        let whole = fs::read(path.join(file)).unwrap();
        let mut poisoned = whole.clone();
        let last = poisoned.len() - 4;
        poisoned[last..].copy_from_slice(&f32::NAN.to_le_bytes());
        forge(&path, file, &poisoned);
        let error = refusal(&registry);
        assert!(error.to_string().contains("not finite or not of unit length"), "{file}: {error}");
        forge(&path, file, &whole);
    }
    registry.open(&name("xx"), &name("v1")).expect("forging back and forth leaves a sound artefact");
}

/// Answers every question, for a known and an anonymous customer.
fn answers(model: &Model) {
    let limits = Limits::best(6);
    for customer in [None, Some(model.profile(common::ANNA))] {
        let query = Query { items: &[common::BREAD], customer, ..Query::default() };
        bought_together(model, &query, &limits);
        alternatives(model, &query, &limits);
        let on_offer = [Offer { items: &[common::MILK, common::JAM], numbers: &[] }];
        offers(model, customer, &PreparedOffers::new(model, &on_offer), 2);
    }
}

/// A blend of all signals for each question.
fn of_all_signals(blends: &Blends) -> Blends {
    let slopes: Vec<(&str, f32)> = NAMES.iter().map(|&name| (name, 0.1)).collect();
    let blend = Blend::straight(&slopes);
    Blends { blends: [(); 9].map(|()| blend.clone()), pre_ranking: Blend::default(), ..blends.clone() }
}

#[test]
fn hostile_counts_and_offsets_are_refused_though_their_hash_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, path, files) = published(folder.path());
    for file in files.iter().filter(|file| *file != "manifest.json") {
        let whole = fs::read(path.join(file)).unwrap();
        for at in (0..whole.len()).step_by(8) {
            for value in [0u64, 7, u64::from(u32::MAX), 1 << 60, u64::MAX] {
                let mut hostile = whole.clone();
                let end = (at + 8).min(whole.len());
                hostile[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
                forge(&path, file, &hostile);
                // Some of these values are valid; none may panic, and an opened model must answer.
                if let Ok(opened) = registry.open(&name("xx"), &name("v1")) {
                    answers(&opened.model);
                    if at % 64 == 0 {
                        // The artefact's blends use few signals; these read all of them.
                        let blends = of_all_signals(opened.model.blends());
                        answers(&opened.model.reblended(blends).unwrap());
                    }
                }
            }
        }
        forge(&path, file, &whole);
    }
}

#[test]
fn a_model_is_open_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let model = common::saved_and_opened(folder.path());
    fs::remove_dir_all(folder.path().join("xx")).unwrap();
    let limits = trolley_model::recommend::Limits::best(6);
    assert_eq!(
        trolley_model::recommend::alternatives(
            &model,
            &trolley_model::Query { items: &[common::MILK], ..Default::default() },
            &limits
        )[0]
        .item,
        common::OAT_MILK
    );
}

#[test]
fn a_published_version_is_never_overwritten_and_the_pointer_follows() {
    let folder = tempfile::tempdir().unwrap();
    let registry = publish(folder.path(), "v1");
    publish(folder.path(), "v2");
    let market = name("xx");
    assert_eq!(registry.current(&market).unwrap(), name("v2"));
    assert_eq!(registry.previous(&market).unwrap(), name("v1"));
    registry.set_current(&market, &name("v1"), false).unwrap();
    assert_eq!(registry.current(&market).unwrap(), name("v1"));
    assert_eq!(registry.versions(&market).unwrap(), [name("v1"), name("v2")]);
    let error = registry.set_current(&market, &name("v3"), false).unwrap_err();
    assert!(matches!(error, ArtefactError::NoVersion { .. }), "{error}");
    let again = std::panic::catch_unwind(|| publish(folder.path(), "v2"));
    assert!(again.is_err(), "the same version was published twice");
}

#[test]
fn a_pinned_version_stays_and_a_retired_market_comes_back_with_its_next_model() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, market) = (publish(folder.path(), "v1"), name("xx"));
    publish(folder.path(), "v2");
    registry.set_current(&market, &name("v1"), true).unwrap();
    publish(folder.path(), "v3");
    assert_eq!((registry.current(&market).unwrap(), registry.is_pinned(&market)), (name("v1"), true));
    registry.set_current(&market, &name("v3"), false).unwrap();
    publish(folder.path(), "v4");
    assert_eq!((registry.current(&market).unwrap(), registry.is_pinned(&market)), (name("v4"), false));

    registry.retire(&market).unwrap();
    assert_eq!(registry.markets().unwrap(), []);
    publish(folder.path(), "v5");
    assert_eq!(registry.markets().unwrap(), [market]);
    assert!(matches!(registry.retire(&name("nowhere")), Err(ArtefactError::NoModel { .. })));
}

#[test]
fn what_a_killed_trainer_left_is_invisible_and_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("xx");
    let unfinished = market.join(".unfinished-v0");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("items.safetensors"), b"half a file").unwrap();
    let registry = ModelRegistry::new(folder.path());
    assert_eq!(registry.versions(&name("xx")).unwrap(), []);
    assert_eq!(registry.markets().unwrap(), [], "a market without a published model is none");
    publish(folder.path(), "v1");
    assert!(!unfinished.exists());
}

/// The process that the next test kills: publishes one version after the other.
#[test]
#[ignore = "runs until it is killed"]
fn a_publisher_without_end() {
    let folder = std::env::var("TROLLEY_TEST_SHELF").unwrap();
    let first: u32 = std::env::var("TROLLEY_TEST_FIRST").unwrap().parse().unwrap();
    for version in first.. {
        publish(Path::new(&folder), &format!("v{version:08}"));
    }
}

/// The process is killed at any moment after its first publication; it spends nearly all of its time on the next ones.
#[test]
fn a_trainer_that_is_killed_leaves_the_old_model_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let kills: u32 = std::env::var("TROLLEY_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20);
    let registry = publish(folder.path(), "v00000000");
    let mut half_way = 0;
    for kill in 1..=kills {
        let first = kill * 100_000;
        let mut publisher = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "a_publisher_without_end"])
            .env("TROLLEY_TEST_SHELF", folder.path())
            .env("TROLLEY_TEST_FIRST", first.to_string())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let (begun, first) = (std::time::Instant::now(), name(&format!("v{first:08}")));
        while registry.current(&name("xx")).unwrap() < first {
            assert!(begun.elapsed().as_secs() < 60, "the publisher published nothing in a minute");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        std::thread::sleep(std::time::Duration::from_micros(u64::from(kill) * 7919 % 30_000));
        publisher.kill().unwrap();
        publisher.wait().unwrap();
        half_way += unfinished(folder.path());
        let current = registry.current(&name("xx")).unwrap();
        assert!(current >= first, "{current} after {first}");
        // Opening verifies all hashes, so the artefact is complete; the manifest names its version.
        let opened = registry.open(&name("xx"), &current).unwrap();
        assert_eq!(opened.manifest.version, current);
        for version in registry.versions(&name("xx")).unwrap().iter().rev().take(2) {
            registry.open(&name("xx"), version).unwrap_or_else(|error| panic!("{version} is listed: {error}"));
        }
    }
    assert!(half_way > 0, "it was never killed while it wrote");
    publish(folder.path(), "v99999999");
    assert_eq!(unfinished(folder.path()), 0, "what was left is cleared away");
}

/// Number of incomplete folders that a trainer left.
fn unfinished(folder: &Path) -> usize {
    fs::read_dir(folder.join("xx"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".unfinished"))
        .count()
}

fn fixture(format: u32) -> ModelRegistry {
    ModelRegistry::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{format}")))
}

#[test]
fn an_artefact_of_this_format_still_opens() {
    let opened = fixture(FORMAT).open(&name("xx"), &name("v1")).unwrap();
    assert_eq!(opened.manifest.format, FORMAT);
    assert_eq!(opened.model.catalogue().items().iter().next(), Some("bread"));
}

#[test]
fn artefacts_of_older_formats_are_refused_with_what_to_do() {
    for format in 1..FORMAT {
        let error = fixture(format).open(&name("xx"), &name("v1")).unwrap_err();
        let ArtefactError::Format { found, supported, .. } = error else { panic!("{error}") };
        assert_eq!((found, supported), (u64::from(format), FORMAT));
        assert!(error.to_string().contains("train the model again"), "{error}");
    }
}

#[test]
#[ignore = "writes the fixture of a new format, once"]
fn write_the_fixture() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{FORMAT}"));
    publish(&folder, "v1");
}
