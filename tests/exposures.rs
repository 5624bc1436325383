//! Answers are logged, their events are recorded, and a customer can be erased from all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use common::Service;
use serde_json::{Value, json};
use server::{Server, request};
use trolley::config::ExposureConfig;
use trolley::exposures::{Exposure, Exposures};
use trolley::live::{CustomerHash, StateSync};
use trolley::secret::Secret;
use trolley::store::Store;

const BREAD: &str = "/v1/markets/de/items/bread/bought-together?customer=anna";

/// A service with an exposure log.
async fn service() -> Service {
    let plain = Service::new().await;
    let config = ExposureConfig { folder: plain.folder.path().join("log"), megabytes: 1, files: 3 };
    let url = format!("sqlite:{}", plain.folder.path().join("state.sqlite").display());
    let (store, exposures) = (Store::open(&url).await.unwrap(), Exposures::open(&config).unwrap());
    let state_sync = Arc::new(StateSync::new(store, plain.markets.clone(), exposures).await.unwrap());
    let router = trolley::api::router(trolley::api::ApiState::new(state_sync.clone()));
    Service { state_sync, router, ..plain }
}

/// The hash of a customer in a service without a secret.
fn hash(id: &str) -> CustomerHash {
    trolley::live::customer_hash(&Secret::default(), id)
}

fn written(folder: &Path) -> Vec<Exposure> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    files.sort();
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_written_down_without_the_customers_id() {
    let service = service().await;
    let log = service.folder.path().join("log");
    let (_, shown) = service.get(BREAD).await;
    service.get("/v1/markets/de/items/tea/alternatives").await;
    service.json("POST", "/v1/markets/de/bought-together", r#"{"items": ["bread", "tea"], "customer": "anna"}"#).await;
    service.get("/v1/markets/de/customers/anna/offers").await;
    service.state_sync.exposures().close();
    let lines = written(&log);
    let questions: Vec<&str> = lines.iter().map(|line| line.question.as_str()).collect();
    assert_eq!(questions, ["bought-together", "alternatives", "bought-together", "offers"]);
    assert_eq!(lines[0].recommendation_id.to_string(), shown["recommendation_id"].as_str().unwrap());
    assert_eq!((lines[0].items.clone(), &lines[0].query), (common::ids(&shown), &vec!["bread".to_owned()]));
    assert_eq!((lines[0].market.as_str(), lines[0].variant.as_str()), ("de", "control"));
    assert_eq!(lines[2].query, ["bread", "tea"]);
    assert_eq!(lines[1].customer, None);
    let anna = lines[0].customer.clone().unwrap();
    assert_eq!((Some(&anna), Some(&anna)), (lines[2].customer.as_ref(), lines[3].customer.as_ref()));
    assert!(!anna.contains("anna") && !hash("anna").to_hex().contains(&anna), "the hash is keyed");
}

/// An entry of about two kilobytes.
fn exposure(customer: Option<String>, asked: &str) -> Exposure {
    Exposure {
        at: chrono::Utc::now(),
        recommendation_id: uuid::Uuid::new_v4(),
        market: "de".into(),
        customer,
        question: "bought-together".into(),
        query: vec![asked.to_owned()],
        items: (0..200).map(|item| format!("item-{item}")).collect(),
        model: "m".into(),
        variant: "control".into(),
    }
}

#[test]
fn old_files_make_room_for_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let config = ExposureConfig { folder: folder.path().to_owned(), megabytes: 1, files: 2 };
    let exposures = Exposures::open(&config).unwrap();
    for number in 0..3000 {
        exposures.add(exposure(None, &number.to_string()));
        if number % 1000 == 999 {
            std::thread::sleep(Duration::from_millis(300));
        }
    }
    exposures.close();
    let files = std::fs::read_dir(folder.path()).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|end| end == "jsonl")
    });
    assert_eq!(files.count(), 2);
    assert_eq!(written(folder.path()).last().unwrap().query, ["2999"]);
}

#[test]
fn a_file_is_gone_on_with_unless_its_last_line_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let config = ExposureConfig { folder: folder.path().to_owned(), megabytes: 1, files: 9 };
    let (anna, bert) = (hash("anna"), hash("bert"));
    let show = |customers: &[CustomerHash], erased: Option<CustomerHash>| {
        let exposures = Exposures::open(&config).unwrap();
        for customer in customers {
            exposures.add(exposure(exposures.name("de", *customer), "tea"));
        }
        exposures.erase("de", erased);
        exposures.close();
        exposures.name("de", bert).unwrap()
    };
    let files = || {
        let all = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
        files.sort();
        files
    };
    show(&[anna, bert], None);
    show(&[bert], Some(anna));
    let name = show(&[bert], None);
    assert_eq!(files().len(), 1, "neither a start nor an erasure begins a new file");
    assert_eq!(written(folder.path()).iter().filter(|line| line.customer.as_ref() == Some(&name)).count(), 3);
    assert_eq!(written(folder.path()).len(), 3);

    // The process was killed within a line, and within a character.
    let mut torn = std::fs::read(&files()[0]).unwrap();
    let end = torn.windows(NAMED.len()).rposition(|bytes| bytes == NAMED).unwrap() + NAMED.len() + 32;
    torn.truncate(end);
    torn.push(0xc3);
    std::fs::write(&files()[0], torn).unwrap();
    show(&[anna], None);
    assert_eq!(files().len(), 2);
    show(&[], Some(bert));
    let text = std::fs::read(&files()[0]).unwrap();
    assert!(!text.windows(32).any(|bytes| bytes == name.as_bytes()), "nor is the torn line of an erased customer left");
    assert_eq!(std::fs::read_to_string(&files()[1]).unwrap().lines().count(), 1);
}

#[test]
fn a_customer_is_taken_out_of_older_files_while_lines_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let config = ExposureConfig { folder: folder.path().to_owned(), megabytes: 1, files: 9 };
    let exposures = Exposures::open(&config).unwrap();
    let (anna, bert) = (hash("anna"), hash("bert"));
    let show = |customer| {
        exposures.add(exposure(exposures.name("de", customer), "tea"));
    };
    for _ in 0..1000 {
        show(anna);
        show(bert);
        std::thread::sleep(Duration::from_micros(100));
    }
    exposures.erase("de", [anna]);
    for _ in 0..500 {
        show(bert);
        std::thread::sleep(Duration::from_millis(3));
    }
    exposures.close();
    let lines = written(folder.path());
    let of = |customer| lines.iter().filter(|line| line.customer == exposures.name("de", customer)).count();
    assert_eq!((of(anna), of(bert), lines.len()), (0, 1500, 1500));
    let files = std::fs::read_dir(folder.path()).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|end| end == "jsonl")
    });
    assert!(files.count() > 2, "there were older ones");
}

const NAMED: &[u8] = b"\"customer\":\"";

#[test]
fn half_a_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = ExposureConfig { folder: folder.path().to_owned(), megabytes: 1, files: 2 };
    for text in ["", "abc"] {
        std::fs::write(folder.path().join("key"), text).unwrap();
        let error = format!("{:#}", Exposures::open(&config).unwrap_err());
        assert!(error.contains("key") && error.contains("64"), "{error}");
    }
}

#[tokio::test]
async fn events_count_once() {
    let service = Service::new().await;
    let (_, shown) = service.get(BREAD).await;
    let event = |id: &str, kind: &str| json!({"id": id, "recommendation_id": shown["recommendation_id"], "kind": kind, "item": "butter"});
    let send = async |events: Value| {
        service.json("POST", "/v1/markets/de/events", &json!({ "events": events }).to_string()).await
    };
    let (status, body) = send(json!([event("e1", "click"), event("e2", "purchase"), event("e1", "click")])).await;
    assert_eq!((status, &body["accepted"], &body["duplicates"]), (StatusCode::OK, &json!(2), &json!(1)), "{body}");
    let (_, body) = send(json!([event("e2", "purchase"), event("e3", "click")])).await;
    assert_eq!((&body["accepted"], &body["duplicates"]), (&json!(1), &json!(1)), "{body}");
    let (status, body) =
        send(json!([event("e4", "glance"), event("", "click"), {"id": "e5"}, event("a\0", "click")])).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["rejected"].as_array().unwrap().len(), 4, "{body}");
    assert_eq!(body["rejected"][0]["field"], "kind");
    assert_eq!(body["rejected"][1]["field"], "id");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_customer_is_nobody_here_in_the_log_after_a_restart_and_in_the_next_model() {
    let service = service().await;
    let log = service.folder.path().join("log");
    let offers = r#"{"offers": [{"id": "o1", "items": ["tea"]}]}"#;
    service.json("PUT", "/v1/markets/de/offers", offers).await;
    let audience = async |service: &Service| service.ids("/v1/markets/de/offers/o1/audience").await;
    let (_, before) = service.get(BREAD).await;
    let (_, stranger) = service.get(&BREAD.replace("anna", "nobody")).await;
    let (_, bert) = service.get(&BREAD.replace("anna", "bert")).await;
    assert_ne!(before["items"], stranger["items"]);
    assert!(audience(&service).await.contains(&"anna".to_owned()));

    let (status, body) = service.json("DELETE", "/v1/markets/de/customers/anna", "").await;
    assert_eq!((status, &body["erased"]), (StatusCode::OK, &json!(true)), "{body}");
    assert_eq!(service.get(BREAD).await.1["items"], stranger["items"]);
    assert_eq!(service.get(&BREAD.replace("anna", "bert")).await.1["items"], bert["items"], "others are untouched");
    assert!(!audience(&service).await.contains(&"anna".to_owned()));
    assert_eq!(audience(&service).await.len(), 2);

    let name = |market: &str, id: &str| service.state_sync.exposures().name(market, hash(id)).unwrap();
    let (anna, bert) = (name("de", "anna"), name("de", "bert"));
    assert_ne!(anna, name("fr", "anna"), "the same ID elsewhere is another person");
    service.state_sync.exposures().close();
    let of = |name: &str| written(&log).iter().filter(|line| line.customer.as_deref() == Some(name)).count();
    assert_eq!((of(&anna), of(&bert)), (0, 2), "neither what was shown before nor after; others' lines are there");

    let service = service.restarted().await;
    assert_eq!(service.get(BREAD).await.1["items"], stranger["items"]);
    assert!(!audience(&service).await.contains(&"anna".to_owned()));
    let state = std::fs::read(service.folder.path().join("state.sqlite")).unwrap();
    assert!(!state.windows(4).any(|bytes| bytes == b"anna"), "the database does not have the ID");
}

#[test]
fn a_model_that_is_trained_after_an_erasure_does_not_know_the_customer() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = common::train(folder.path(), "de", 1_710_000_000);
    assert_eq!(manifest.data.customers, 3);
    std::fs::write(
        folder.path().join("shop.toml"),
        format!(
            "models = \"{0}/models\"\nreports = \"{0}/reports\"\nrejects = \"{0}/rejects\"\n[server]\n\
             state = \"sqlite:{0}/state.sqlite\"\n[markets.de]\ntransactions = \"{0}/t.csv\"\nitems = \"{0}/i.csv\"\n",
            folder.path().display()
        ),
    )
    .unwrap();
    let train = || {
        let config = folder.path().join("shop.toml");
        let command = Command::new(env!("CARGO_BIN_EXE_trolley")).args(["train", "--config"]).arg(config).output();
        let output = command.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let registry = trolley_model::artefact::ModelRegistry::new(folder.path().join("models"));
        let opened = registry.open(&common::name("de"), &registry.current(&common::name("de")).unwrap()).unwrap();
        let customers = opened.model.histories().customers();
        let ids: HashSet<String> = (0..customers.len() as u32).map(|at| customers.get(at).to_owned()).collect();
        (ids, opened.manifest.data.baskets)
    };
    let (ids, baskets) = train();
    assert_eq!((ids.len(), ids.contains("anna")), (3, true));
    let url = format!("sqlite:{}/state.sqlite", folder.path().display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(&url).await.unwrap();
        store.erase("de", &hash("anna")).await.unwrap();
    });
    std::thread::sleep(Duration::from_millis(1100)); // versions are named by the second
    let (ids, still) = train();
    assert_eq!((ids.len(), ids.contains("anna")), (2, false));
    assert_eq!(still, baskets, "what was bought still counts");
}

/// A disk of 3 MiB, two of them used, for the database and the exposure log; mounting it needs root.
#[test]
fn a_full_disk_costs_pushes_and_the_log_but_no_answer() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(disk.path()).status();
    if !mount.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a disk can only be mounted by root");
        return;
    }
    let _unmounted = Unmount(disk.path().to_owned());
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 2 << 20]).unwrap();
    common::train(folder.path(), "de", 1_710_000_000);
    let config = folder.path().join("trolley.toml");
    std::fs::write(
        &config,
        format!(
            "models = \"{0}/models\"\n[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             state = \"sqlite:{1}/state.sqlite\"\n[server.exposures]\nfolder = \"{1}/log\"\n",
            folder.path().display(),
            disk.path().display()
        ),
    )
    .unwrap();
    let server = Server::start(config.to_str().unwrap());
    let push = |sequence: u64| {
        let updates: Vec<Value> = (0..2000)
            .map(|item| json!({"item": format!("item-{sequence}-{item}"), "in_stock": true, "sequence": sequence}))
            .collect();
        request(&server.api, "PUT", "/v1/markets/de/stock", &json!({ "updates": updates }).to_string()).0
    };
    // After a refusal the database may compact its file and find room for one more push.
    let statuses: Vec<u16> = (1..20).map(push).collect();
    assert_eq!(statuses[0], 200);
    assert!(statuses.contains(&503) && statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    let dropped = |metrics: &str| {
        let line = metrics.lines().find(|line| line.starts_with("trolley_exposures_dropped_total{reason=\"disk\"}"));
        line.unwrap().rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let began = Instant::now();
    loop {
        for _ in 0..200 {
            assert_eq!(request(&server.api, "GET", BREAD, "").0, 200);
        }
        if dropped(&request(&server.admin, "GET", "/metrics", "").1) > 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "the disk never became full");
    }
    std::fs::remove_file(ballast).unwrap();
    let again: Vec<u16> = (20..24).map(push).collect();
    assert_eq!(again, [200; 4], "with room again pushes are taken again");
    let acknowledged = statuses.iter().chain(&again).filter(|&&status| status == 200).count();
    let url = format!("sqlite:{}/state.sqlite", disk.path().display());
    let committed = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(&url).await.unwrap();
        store.stock_after("de", 0).await.unwrap().len()
    });
    assert_eq!(committed, 2000 * acknowledged, "what was acknowledged is there, what was refused is not");
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
