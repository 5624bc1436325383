//! Injects the faults that a service must survive.
//!
//! `TROLLEY_KILLS=200 cargo test --test faults` kills as often as before a release; by default only a few times.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;
#[path = "common/postgres.rs"]
mod postgres;
#[path = "common/server.rs"]
mod server;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use postgres::Cluster;
use serde_json::json;
use server::{Server, request};
use trolley::store::Store;

/// A config for a market that accepts pushes without a model.
fn config(folder: &Path, state: &str) -> String {
    let path = folder.join("trolley.toml");
    let text = format!(
        "models = \"{folder}/models\"\n[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
         state = \"{state}\"\n[markets.de]\ntransactions = \"none.csv\"\n",
        folder = folder.display()
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn kills() -> u32 {
    std::env::var("TROLLEY_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(5)
}

/// A push: method, path, body, and what must be in the database once it is acknowledged.
type Push<T> = (&'static str, &'static str, String, T);

/// The server is killed while four clients push, again and again. `push` makes a client's next push, given the client
/// and a number that never repeats. Returns what was acknowledged.
fn acknowledged_while_killed<T: Send>(state: &str, push: impl Fn(u64, u64) -> Push<T> + Sync) -> Vec<T> {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), state);
    let mut ledger = Vec::new();
    let (mut first, mut idle) = (0, 0);
    for kill in 0..kills() {
        let mut server = Server::start(&config);
        let acknowledged: Vec<T> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4)
                .map(|client| {
                    let (api, push) = (server.api.clone(), &push);
                    scope.spawn(move || {
                        let mut acknowledged = Vec::new();
                        for turn in 1.. {
                            let (method, path, body, kept) = push(client, first + turn);
                            match std::panic::catch_unwind(|| request(&api, method, path, &body)) {
                                Ok((200, _)) => acknowledged.push(kept),
                                Ok((status, answer)) => panic!("{status}: {answer}"),
                                // The server was killed.
                                Err(_) => break,
                            }
                        }
                        acknowledged
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(40 + u64::from(kill) * 37 % 120));
            server.process.kill().unwrap();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        drop(server);
        // On a busy machine it may be killed before the first acknowledgement, but rarely.
        idle += u32::from(acknowledged.is_empty());
        first += 1_000_000;
        ledger.extend(acknowledged);
    }
    assert!(idle <= kills() / 4, "{idle} of {} times it was killed before anything was pushed", kills());
    ledger
}

fn every_acknowledged_push_survives(state: &str) {
    let push = |client: u64, sequence: u64| {
        let item = format!("{client}-{}", sequence % 7);
        let update = json!({"item": item, "in_stock": sequence.is_multiple_of(2), "sequence": sequence});
        ("PUT", "/v1/markets/de/stock", json!({"updates": [update]}).to_string(), (item, sequence))
    };
    let ledger: HashMap<String, u64> = acknowledged_while_killed(state, push).into_iter().collect();
    let kept: HashMap<String, i64> = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let rows = Store::open(state).await.unwrap().stock_after("de", 0).await.unwrap();
        rows.into_iter().map(|row| (row.item, row.sequence)).collect()
    });
    for (item, sequence) in ledger {
        // A push may have been committed although its acknowledgement was lost.
        assert!(kept[&item] >= sequence as i64, "{item}: {} acknowledged, {} kept", sequence, kept[&item]);
    }
}

/// Every acknowledged basket is there, once and whole.
fn every_acknowledged_basket_survives(state: &str) {
    let push = |client: u64, number: u64| {
        let id = format!("{client}-{number}");
        let basket = json!({"id": id, "customer": format!("c{}", number % 5), "time": "2024-03-25T10:00:00Z",
                            "items": [{"id": "milk", "quantity": 2}, {"id": format!("item-{}", number % 11)}]});
        ("POST", "/v1/markets/de/baskets", json!({"baskets": [basket]}).to_string(), id)
    };
    let ledger = acknowledged_while_killed(state, push);
    let mut kept: HashMap<String, usize> = HashMap::new();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(state).await.unwrap();
        let mut pages = store.baskets_after("de", 0);
        while let Some(page) = pages.next().await.unwrap() {
            for basket in page {
                assert_eq!((basket.lines.len(), basket.bought), (2, 1_711_360_800), "{basket:?}");
                *kept.entry(basket.id).or_default() += 1;
            }
        }
    });
    assert!(kept.values().all(|times| *times == 1), "no basket is there twice");
    assert!(ledger.iter().all(|id| kept.contains_key(id)), "no acknowledged basket is lost");
}

#[test]
fn a_killed_server_forgets_no_acknowledged_push_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    every_acknowledged_push_survives(&format!("sqlite:{}", folder.path().join("state.sqlite").display()));
}

#[test]
fn a_killed_server_forgets_and_doubles_no_basket_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    every_acknowledged_basket_survives(&format!("sqlite:{}", folder.path().join("state.sqlite").display()));
}

#[test]
fn a_killed_server_forgets_and_doubles_no_basket_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    every_acknowledged_basket_survives(&cluster.url());
}

#[test]
fn a_killed_server_forgets_no_acknowledged_push_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    every_acknowledged_push_survives(&cluster.url());
}

#[test]
fn without_its_database_the_service_answers_refuses_pushes_and_recovers() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&config(folder.path(), &cluster.url()));
    let push = |sequence: u64| {
        let body = json!({"updates": [{"item": "a", "in_stock": false, "sequence": sequence}]}).to_string();
        request(&server.api, "PUT", "/v1/markets/de/stock", &body)
    };
    let age = || {
        let (_, metrics) = request(&server.admin, "GET", "/metrics", "");
        let line = metrics.lines().find_map(|line| line.strip_prefix("trolley_state_age_seconds ")).unwrap();
        line.parse::<f64>().unwrap()
    };
    assert_eq!(push(1).0, 200);
    assert!(age() < 2.0);
    cluster.stop();
    let (status, body) = push(2);
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("push again later"), "{body}");
    assert_eq!(server.get("/v1/markets").0, 200, "questions are answered");
    std::thread::sleep(Duration::from_secs(3));
    assert!(age() > 2.0, "{}", age());
    cluster.resume();
    for _ in 0..100 {
        if push(3).0 == 200 && age() < 2.0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it did not recover within ten seconds");
}

/// To the service, a disk that does not respond looks like a database that hangs.
#[test]
fn a_database_that_hangs_holds_up_pushes_alone() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&config(folder.path(), &cluster.url()));
    let push = || {
        let body = json!({"updates": [{"item": "a", "in_stock": false, "sequence": 1}]}).to_string();
        request(&server.api, "PUT", "/v1/markets/de/stock", &body).0
    };
    assert_eq!(push(), 200);
    cluster.signal("STOP");
    let pushed = std::thread::scope(|scope| {
        let pushing = scope.spawn(push);
        for _ in 0..50 {
            let asked = std::time::Instant::now();
            assert_eq!(server.get("/v1/markets").0, 200);
            assert!(asked.elapsed() < Duration::from_secs(1), "a question waited for the database");
            std::thread::sleep(Duration::from_millis(20));
        }
        pushing.join().unwrap()
    });
    assert_eq!(pushed, 503);
    cluster.signal("CONT");
    for _ in 0..100 {
        if push() == 200 {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it did not recover within ten seconds");
}

#[test]
fn the_service_starts_without_its_database_and_takes_it_in_when_it_is_there() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    common::train(folder.path(), "de", 1_710_000_000);
    let config = config(folder.path(), &cluster.url());
    {
        let server = Server::start(&config);
        let offers = json!({"offers": [{"id": "o1", "items": ["tea"]}]}).to_string();
        assert_eq!(request(&server.api, "PUT", "/v1/markets/de/offers", &offers).0, 200);
        assert_eq!(request(&server.api, "DELETE", "/v1/markets/de/customers/anna", "").0, 200);
    }
    cluster.stop();
    let server = Server::start(&config);
    let (status, health) = server.get("/health/ready");
    assert_eq!((status, &health["status"]), (200, &"degraded".into()), "{health}");
    let gauge = |name: &str| {
        let (_, metrics) = request(&server.admin, "GET", "/metrics", "");
        metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok())
    };
    assert_eq!(gauge("trolley_state_available"), Some(0.0));
    // All customers are anonymous, as it is not known who was erased.
    let is_known = |customer: &str| {
        let path = format!("/v1/markets/de/items/bread/bought-together?customer={customer}&explain=true");
        let (status, body) = server.get(&path);
        assert_eq!(status, 200, "{body}");
        let items = body["items"].as_array().unwrap();
        assert!(!items.is_empty());
        items.iter().any(|item| item["reasons"].as_array().unwrap().iter().any(|reason| reason["kind"] == "bought"))
    };
    assert!(!is_known("anna") && !is_known("bert"), "they are answered as if they had never bought anything");
    let (status, body) = request(&server.api, "PUT", "/v1/markets/de/offers", r#"{"offers": []}"#);
    assert!(status == 503 && body.contains("the database cannot be reached"), "{status} {body}");
    assert_eq!(gauge("trolley_state_writable"), Some(0.0));
    cluster.resume();
    server.wait_for("/health/ready", |_, health| health["status"] == "ready");
    server.wait_for("/v1/markets/de/customers/cleo/offers", |_, body| body["items"][0]["id"] == "o1");
    assert!(!is_known("anna") && is_known("bert"), "one is erased, the other is known again");
    assert_eq!(gauge("trolley_state_available"), Some(1.0));
}

/// Three replicas; the database is restored, and rows are pushed before two of them poll again. Version numbers only
/// rise, although known changes are lost.
#[test]
fn a_database_that_was_put_back_under_replicas_is_loaded_anew_by_all() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    common::train(folder.path(), "de", 1_710_000_000);
    let config = config(folder.path(), &cluster.url());
    let replicas: Vec<Server> = (0..3).map(|_| Server::start(&config)).collect();
    let offers = |ids: &[&str]| {
        let offers: Vec<_> = ids.iter().map(|id| json!({"id": id, "items": ["tea"]})).collect();
        json!({"offers": offers}).to_string()
    };
    let stock = |item: &str, sequence: u64| {
        json!({"updates": [{"item": item, "in_stock": false, "sequence": sequence}]}).to_string()
    };
    let push = |replica: &Server, what: &str, body: &str| {
        let (status, answer) = request(&replica.api, "PUT", &format!("/v1/markets/de/{what}"), body);
        assert_eq!(status, 200, "{answer}");
    };
    let all_show = |wanted: &[&str], gone: &[&str]| {
        for replica in &replicas {
            replica.wait_for("/v1/markets/de/customers/cleo/offers", |_, body| {
                let mut ids: Vec<&str> =
                    body["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap()).collect();
                ids.sort_unstable();
                ids == wanted
            });
            replica.wait_for("/v1/markets/de/items/bread/bought-together", |_, body| {
                let ids: Vec<&str> =
                    body["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap()).collect();
                ["butter", "milk-b"].iter().all(|item| ids.contains(item) != gone.contains(item))
            });
        }
    };
    push(&replicas[0], "offers", &offers(&["kept", "kept-too"]));
    all_show(&["kept", "kept-too"], &[]);
    let backup = cluster.dump();
    push(&replicas[1], "offers", &offers(&[]));
    push(&replicas[1], "stock", &stock("butter", 5));
    all_show(&[], &["butter"]);
    cluster.restore(&backup);
    push(&replicas[2], "stock", &stock("milk-b", 1));
    all_show(&["kept", "kept-too"], &["milk-b"]);
    let versions: Vec<String> = replicas
        .iter()
        .map(|replica| {
            let (_, metrics) = request(&replica.admin, "GET", "/metrics", "");
            let mut lines: Vec<_> = metrics.lines().filter(|line| line.starts_with("trolley_state_version{")).collect();
            lines.sort_unstable();
            lines.join("\n")
        })
        .collect();
    assert!(versions[0].contains("kind=\"stock\"") && versions.iter().all(|all| *all == versions[0]), "{versions:?}");
}
