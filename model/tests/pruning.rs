//! Which old models are removed, and which never are.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::fs;
use std::path::Path;

use common::name;
use trolley_model::Name;
use trolley_model::artefact::{ArtefactError, ModelRegistry};

/// Minimal versions: folders with a file.
fn make(registry: &ModelRegistry, versions: &[&str]) {
    for version in versions {
        let folder = registry.path().join("xx").join(version);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("items.safetensors"), "rows").unwrap();
    }
}

fn put_into_service(folder: &Path, version: &str) {
    fs::write(folder.join("xx/current"), format!("{version}\n")).unwrap();
}

fn versions(registry: &ModelRegistry) -> Vec<String> {
    registry.versions(&name("xx")).unwrap().into_iter().map(String::from).collect()
}

const ALL: [&str; 6] = ["v1", "v2", "v3", "v4", "v5", "v6"];

#[test]
fn the_newest_stay_and_whatever_is_in_use() {
    for keep in 1..8 {
        for (current, in_service) in ALL.iter().enumerate() {
            for (protected, other) in ALL.iter().enumerate() {
                let folder = tempfile::tempdir().unwrap();
                let registry = ModelRegistry::new(folder.path());
                make(&registry, &ALL);
                make(&registry.held_out(), &ALL);
                make(&registry.held_out(), &["r1", "r2", "v0"]);
                make(&registry.rejected(), &["r1", "r2"]);
                put_into_service(folder.path(), in_service);
                let removed = registry.prune(&name("xx"), keep, &[name(other)]).unwrap();

                let newest = ALL.len().saturating_sub(keep);
                let stays = |at: usize| at >= newest || at == current || at + 1 == current || at == protected;
                let expected: Vec<&str> = (0..ALL.len()).filter(|&at| stays(at)).map(|at| ALL[at]).collect();
                assert_eq!(versions(&registry), expected, "keep {keep}, current {current}, protected {protected}");
                let rejected: &[&str] = if keep == 1 { &["r2"] } else { &["r1", "r2"] };
                assert_eq!(versions(&registry.rejected()), rejected);
                let held_out: Vec<&str> = rejected.iter().copied().chain(expected.iter().copied()).collect();
                assert_eq!(versions(&registry.held_out()), held_out, "what was held out goes with its version");
                assert_eq!(removed.len(), ALL.len() + 2 - held_out.len());
                assert_eq!(registry.current(&name("xx")).unwrap(), name(in_service));
            }
        }
    }
}

#[test]
fn what_is_in_service_is_never_removed_even_if_it_must_go() {
    let folder = tempfile::tempdir().unwrap();
    let registry = ModelRegistry::new(folder.path());
    make(&registry, &ALL);
    make(&registry.held_out(), &ALL);
    make(&registry.rejected(), &["r1", "v9"]);
    put_into_service(folder.path(), "v4");
    let must_go = |_: &ModelRegistry, version: &Name| ["v2", "v3", "v4", "r1"].contains(&version.as_str());
    let (removed, in_service) = registry.remove_if(&name("xx"), must_go).unwrap();
    assert_eq!(removed, ["r1", "v2", "v3"].map(name), "the one before the one in service too");
    assert_eq!(in_service, Some(name("v4")));
    assert_eq!(versions(&registry), ["v1", "v4", "v5", "v6"]);
    assert_eq!(
        (versions(&registry.held_out()), versions(&registry.rejected())),
        (versions(&registry), vec!["v9".to_owned()])
    );
}

#[test]
fn nothing_is_removed_while_it_is_not_known_what_is_in_service() {
    let folder = tempfile::tempdir().unwrap();
    let registry = ModelRegistry::new(folder.path());
    assert_eq!(registry.prune(&name("xx"), 1, &[]).unwrap(), [], "no market, no models");
    assert!(!folder.path().join("xx").exists());
    make(&registry, &ALL);
    put_into_service(folder.path(), "../v1");
    assert!(matches!(registry.prune(&name("xx"), 1, &[]), Err(ArtefactError::BadPointer { .. })));
    assert!(registry.remove_if(&name("xx"), |_, _| true).is_err());
    assert_eq!(versions(&registry), ALL);
    put_into_service(folder.path(), "v6");
    let publishing = fs::File::create(folder.path().join("xx/.publishing")).unwrap();
    publishing.lock().unwrap();
    assert!(
        matches!(registry.prune(&name("xx"), 1, &[]), Err(ArtefactError::Busy { .. })),
        "not while one is published"
    );
    assert_eq!(versions(&registry), ALL);
}

/// The real model in service can still be opened after others were removed, and the one before it can be restored.
#[test]
fn what_stays_can_still_be_opened_and_rolled_back_to() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["v1", "v2", "v3"] {
        common::publish(folder.path(), version);
    }
    let registry = ModelRegistry::new(folder.path());
    assert_eq!(registry.prune(&name("xx"), 1, &[]).unwrap(), [name("v1")]);
    assert!(registry.open(&name("xx"), &name("v3")).is_ok());
    registry.set_current(&name("xx"), &registry.previous(&name("xx")).unwrap(), true).unwrap();
    assert_eq!(registry.prune(&name("xx"), 1, &[]).unwrap(), [], "the newest, and the one that is pinned");
    assert!(registry.open(&name("xx"), &name("v2")).is_ok());
}
