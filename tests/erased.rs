//! Erased customers stay erased: in trainings, even if the database is missing, and in stored models.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::Service;
use trolley_model::artefact::ModelRegistry;

fn config(folder: &Path, state: &str) -> String {
    let text = format!(
        "models = \"{0}/models\"\nreports = \"{0}/reports\"\nrejects = \"{0}/rejects\"\n[server]\nstate = \"{state}\"\n\
         [markets.de]\ntransactions = \"{0}/t.csv\"\nitems = \"{0}/i.csv\"\n",
        folder.display()
    );
    let path = folder.join("shop.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn trolley(arguments: &[&str], config: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trolley"));
    command.args(arguments).args(["--config", config]).envs(environment.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Number of customers in the model in service.
fn customers(folder: &Path) -> u64 {
    let (registry, de) = (ModelRegistry::new(folder.join("models")), common::name("de"));
    registry.manifest(&de, &registry.current(&de).unwrap()).unwrap().data.customers
}

fn versions(folder: &Path) -> Vec<String> {
    let versions = ModelRegistry::new(folder.join("models")).versions(&common::name("de")).unwrap();
    versions.into_iter().map(String::from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_stops_when_the_database_of_a_service_is_not_there() {
    let folder = tempfile::Builder::new().prefix("my shop").tempdir().unwrap();
    let path = folder.path().to_owned();
    common::train(&path, "de", 1_710_000_000);
    // Before the first start of a service there is no database to miss, so there is only a message.
    let url = format!("sqlite:///{}/state.sqlite", path.display().to_string().replace(' ', "%20"));
    let config = config(&path, &url);
    let first = trolley(&["train"], &config, &[]);
    assert!(first.status.success() && said(&first).contains("not there (yet)"), "{}", said(&first));
    let by_default = trolley(&["train"], &config, &[("TROLLEY_SERVER__STATE", "sqlite:trolley.sqlite")]);
    assert!(by_default.status.success() && !said(&by_default).contains("erased"), "{}", said(&by_default));
    assert_eq!(customers(&path), 3);

    let service = Service::started(folder, &url).await;
    let (status, _) = service.json("DELETE", "/v1/markets/de/customers/anna", "").await;
    assert_eq!(status, axum::http::StatusCode::OK);
    assert!(trolley(&["train"], &config, &[]).status.success());
    assert_eq!(customers(&path), 2, "the same database, however it is written");

    let database = path.join("state.sqlite");
    std::fs::rename(&database, path.join("aside")).unwrap();
    let before = versions(&path);
    for command in ["train", "evaluate"] {
        let output = trolley(&[command], &config, &[]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("--without-state") && said.contains("state.sqlite"), "{command}: {said}");
    }
    let elsewhere = trolley(&["train"], &config, &[("TROLLEY_SERVER__STATE", "sqlite:nowhere.sqlite")]);
    assert!(said(&elsewhere).contains(&database.display().to_string()), "where it was: {}", said(&elsewhere));
    assert_eq!(versions(&path), before);
    assert!(!database.exists(), "none is made");
    assert!(trolley(&["train", "--without-state"], &config, &[]).status.success());
    assert_eq!(customers(&path), 3);
    std::fs::rename(path.join("aside"), &database).unwrap();
    assert!(trolley(&["train"], &config, &[]).status.success());
    assert_eq!(customers(&path), 2);

    // An empty database in its place is recognised as another one.
    std::fs::write(path.join("other.sqlite"), "").unwrap();
    let other = format!("sqlite:{}/other.sqlite", path.display());
    let output = trolley(&["train"], &config, &[("TROLLEY_SERVER__STATE", &other)]);
    assert!(output.status.success() && said(&output).contains("not the one"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_models_go_and_those_of_an_erased_customer_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    for time in 0..4 {
        common::train(&path, "de", 1_710_000_000 + time);
    }
    let url = format!("sqlite:{}/state.sqlite", path.display());
    let config = config(&path, &url);
    let service = Service::started(folder, &url).await;
    let train = |keep: &str, days: &str| {
        let environment = [("TROLLEY_RETENTION__KEEP", keep), ("TROLLEY_RETENTION__ERASED_DAYS", days)];
        let output = trolley(&["train"], &config, &environment);
        assert!(output.status.success(), "{}", said(&output));
        (versions(&path), String::from_utf8(output.stdout).unwrap())
    };
    let (before, printed) = train("14", "30");
    assert!(before.len() == 5 && !printed.contains("removed"), "{before:?} {printed}");
    let (kept, printed) = train("3", "30");
    assert_eq!(kept[..2], before[3..], "the newest three stay");
    assert!(kept.len() == 3 && printed.contains("3 old models"), "{printed}");

    let (status, _) = service.json("DELETE", "/v1/markets/de/customers/anna", "").await;
    assert_eq!(status, axum::http::StatusCode::OK);
    let (kept, _) = train("3", "30");
    assert_eq!(kept.len(), 3, "thirty days are not over");
    let newest = kept[2].clone();
    let (kept, _) = train("14", "1");
    assert_eq!((kept.len(), &kept[0]), (2, &newest), "what was made without anna stays, what holds her is gone");
    let held_out = ModelRegistry::new(path.join("models")).held_out().versions(&common::name("de")).unwrap();
    assert!(held_out.iter().all(|version| kept.contains(&version.to_string())), "{held_out:?}");
    assert_eq!(service.get("/v1/markets/de/items/bread/bought-together").await.0, axum::http::StatusCode::OK);
}

/// Erased customers are unknown in all answers, the command line's included, and can be removed from old models on
/// demand.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_does_not_know_who_was_erased_either() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    for time in 0..2 {
        common::train(&path, "de", 1_710_000_000 + time);
    }
    let url = format!("sqlite:{}/state.sqlite", path.display());
    let config = config(&path, &url);
    let recommend = || {
        let question = ["recommend", "bought-together", "bread", "--customer", "anna", "--market", "de"];
        let output = trolley(&question, &config, &[]);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let service = Service::started(folder, &url).await;
    let knows_her =
        |answer: &str| answer.contains("you bought") || answer.contains("you usually") || answer.contains("habit");
    assert!(knows_her(&recommend()), "{}", recommend());
    let purge = || trolley(&["models", "purge", "--market", "de"], &config, &[]);
    assert!(purge().status.success() && versions(&path).len() == 2, "nobody was erased");
    let (status, _) = service.json("DELETE", "/v1/markets/de/customers/anna", "").await;
    assert_eq!(status, axum::http::StatusCode::OK);
    assert!(!knows_her(&recommend()), "{}", recommend());
    let output = purge();
    assert!(!output.status.success() && said(&output).contains("in service"), "{}", said(&output));
    assert_eq!(versions(&path).len(), 1, "the one in service stays");
    assert!(trolley(&["train", "--accept-unjudged"], &config, &[]).status.success());
    let output = purge();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!((versions(&path).len(), customers(&path)), (1, 2));
}

#[test]
fn what_cannot_be_kept_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "sqlite:state.sqlite");
    let output = trolley(&["train"], &config, &[("TROLLEY_RETENTION__KEEP", "0")]);
    assert!(said(&output).contains("retention.keep"), "{}", said(&output));
    let output = trolley(&["train"], &config, &[("TROLLEY_SERVER__STATE", "mysql://root:secret@host/x")]);
    assert!(said(&output).contains("server.state") && !said(&output).contains("secret"), "{}", said(&output));
}
