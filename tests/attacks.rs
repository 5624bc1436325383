//! A single caller cannot use more than its share: each of these was a way to stop the service, or to fill it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use common::Service;
use serde_json::{Value, json};
use server::{Server, request};

const QUESTION: &str = "/v1/markets/de/items/bread/bought-together?customer=anna";

/// Peak memory of a process in bytes.
#[cfg(target_os = "linux")]
fn peak(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// All 100 slots are taken by silent connections, and by health probes that stay connected.
#[test]
fn probes_get_through_when_the_admin_address_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), ""));
    let alive = || request(&server.admin, "GET", "/health/live", "").0;
    let silent: Vec<TcpStream> = (0..150).map(|_| TcpStream::connect(&server.admin).unwrap()).collect();
    assert_eq!(alive(), 200);
    let mut idle: Vec<TcpStream> = (0..150).map(|_| TcpStream::connect(&server.admin).unwrap()).collect();
    for stream in &mut idle {
        write!(stream, "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    }
    for _ in 0..20 {
        assert_eq!(alive(), 200);
    }
    let (_, metrics) = request(&server.admin, "GET", "/metrics", "");
    let open = metrics.lines().find_map(|line| line.strip_prefix("trolley_connections ")).unwrap();
    assert!(open.parse::<f64>().unwrap() < 110.0, "those who made room were closed: {open}");
    drop((silent, idle));
}

/// Bodies of 30 MB that grow when they are parsed.
#[cfg(target_os = "linux")]
#[test]
fn a_push_takes_no_more_than_four_times_its_length() {
    const LENGTH: usize = 30 << 20;
    let folder = tempfile::tempdir().unwrap();
    let config = common::serving(folder.path(), "");
    let filled = |server: &Server, path: &str, before: &str, row: &str, after: &str| {
        let rows = (LENGTH - before.len()) / (row.len() + 1);
        let body = format!("{before}{}{after}", vec![row; rows].join(","));
        let pushed = request(&server.api, "PUT", &format!("/v1/markets/de/{path}"), &body);
        (pushed, body.len())
    };
    let numbers = (0..1 << 20).map(|n| format!("\"{n}\":0,")).collect::<Vec<String>>().concat();
    for (path, start, row, end) in [
        ("offers", r#"{"offers":["#, r#"{"":0}"#, "]}"),
        ("offers", r#"{"offers":["#, "0", "]}"),
        ("offers", r#"{"offers":[{"id":"a","items":["#, r#""""#, "]}]}"),
        ("offers", r#"{"offers":[{"id":"a","items":["#, r#""b""#, "]}]}"),
        ("offers", r#"{"offers":["#, r#"{"id":"a","items":["b","c","d","e","f","g","h","i","j"]}"#, "]}"),
        ("offers", &format!(r#"{{"offers":[{{"id":"a","items":["b"],"numbers":{{{numbers}"x":0}}}},"#), "0", "]}"),
        ("stock", r#"{"updates":["#, "[]", "]}"),
        ("stock", r#"{"updates":["#, r#"{"item":"a","in_stock":true,"sequence":1}"#, "]}"),
        ("rules", r#"{"rules":["#, r#"{"id":"a"}"#, "]}"),
    ] {
        // A new process each time: an allocator keeps the memory of an earlier push.
        let server = Server::start(&config);
        request(&server.api, "GET", QUESTION, "");
        let before = peak(&server);
        let ((status, answer), length) = filled(&server, path, start, row, end);
        assert!(matches!(status, 200 | 400 | 422), "{row}: {status} {answer}");
        let grown = peak(&server).saturating_sub(before);
        eprintln!("{path} {row}: {:.1} times", grown as f64 / length as f64);
        assert!(grown <= 4 * length, "{row}: {} MB for {} MB", grown >> 20, length >> 20);
    }
}

/// A push of the maximum number of rows is accepted, and acknowledged.
#[test]
fn the_largest_push_of_stock_is_answered_as_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), ""));
    let updates: Vec<Value> =
        (0..100_000).map(|n| json!({"item": format!("item-{n}"), "in_stock": false, "sequence": 1})).collect();
    let (status, answer) =
        request(&server.api, "PUT", "/v1/markets/de/stock", &json!({"updates": updates}).to_string());
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["accepted"]), (200, &100_000.into()));
}

/// An HTTP/2 client sends many requests on one connection and reads no response.
#[tokio::test]
async fn answers_that_nobody_reads_are_given_up() {
    use http_body_util::Empty;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), "client_seconds = 1\nrequest_seconds = 1\n"));
    let stream = tokio::net::TcpStream::connect(&server.api).await.unwrap();
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(1).initial_connection_window_size(65_535);
    let (client, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    let ends = tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..90 {
        let mut client = client.clone();
        let question = hyper::Request::get("http://localhost/openapi.json").body(Empty::<hyper::body::Bytes>::new());
        answers.push(client.send_request(question.unwrap()).await.unwrap());
    }
    let unsent = || {
        let (_, metrics) = request(&server.admin, "GET", "/metrics", "");
        let line = metrics.lines().find(|line| line.starts_with("trolley_unsent_bytes ")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(unsent() > 1e6, "90 answers wait: {}", unsent());
    assert!(tokio::time::timeout(Duration::from_secs(30), ends).await.is_ok(), "the connection was closed");
    assert!(unsent() < 1e5, "and nothing waits any more: {}", unsent());
}

/// Every request about offers scans all active offers.
#[tokio::test]
async fn what_is_on_offer_has_a_bound() {
    let service = Service::new().await;
    let offers = |number: usize| {
        let items: Vec<String> = (0..10_000).map(|item| format!("item-{item}")).collect();
        let offers: Vec<Value> = (0..number).map(|n| json!({"id": format!("o{n}"), "items": items})).collect();
        json!({ "offers": offers }).to_string()
    };
    let (status, body) = service.json("PUT", "/v1/markets/de/offers", &offers(11)).await;
    assert_eq!((status, &body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &"offers".into()), "{body}");
    let (status, body) = service.json("PUT", "/v1/markets/de/offers", &offers(10)).await;
    assert_eq!((status, &body["accepted"]), (StatusCode::OK, &10.into()));
}

#[tokio::test]
async fn audiences_wait_in_a_short_row_and_the_others_are_told_at_once() {
    let service = Service::new().await;
    service.json("PUT", "/v1/markets/de/offers", r#"{"offers": [{"id": "o", "items": ["tea"]}]}"#).await;
    let asked = (0..40).map(|_| service.get("/v1/markets/de/offers/o/audience?limit=3"));
    let statuses: Vec<StatusCode> =
        futures_util::future::join_all(asked).await.into_iter().map(|told| told.0).collect();
    let of = |status| statuses.iter().filter(|told| **told == status).count();
    assert!(of(StatusCode::OK) >= 1 && of(StatusCode::SERVICE_UNAVAILABLE) >= 1, "{statuses:?}");
    assert_eq!(of(StatusCode::OK) + of(StatusCode::SERVICE_UNAVAILABLE), 40, "none hangs, none fails");
    assert_eq!(service.get("/v1/markets/de/offers/o/audience?limit=3").await.0, StatusCode::OK);
}

/// The highest possible sequence locks an item until it is reset.
#[tokio::test]
async fn a_sequence_that_cannot_be_followed_is_reset() {
    let service = Service::new().await;
    let push = async |sequence: i64, in_stock: bool| {
        let update = json!({"updates": [{"item": "butter", "in_stock": in_stock, "sequence": sequence}]});
        service.json("PUT", "/v1/markets/de/stock", &update.to_string()).await.1["accepted"].as_u64().unwrap()
    };
    let shown = async |service: &Service| service.ids(QUESTION).await.contains(&"butter".to_owned());
    assert_eq!((push(i64::MAX, false).await, push(5, true).await), (1, 0));
    assert!(!shown(&service).await);
    let other = {
        let url = format!("sqlite:{}", service.folder.path().join("state.sqlite").display());
        let copy = tempfile::tempdir().unwrap();
        assert!(
            Command::new("cp")
                .arg("-r")
                .arg(service.folder.path().join("models"))
                .arg(copy.path())
                .status()
                .unwrap()
                .success()
        );
        Service::started(copy, &url).await
    };
    assert!(!shown(&other).await);
    let (status, body) = service.json("DELETE", "/v1/markets/de/stock/butter", "").await;
    assert_eq!((status, &body["reset"]), (StatusCode::OK, &true.into()));
    assert!(shown(&service).await, "nothing is known of it: it counts as in stock");
    other.state_sync.catch_up().await.unwrap();
    assert!(shown(&other).await, "on every replica");
    // A reset and the next update, both before another replica polls.
    assert_eq!(push(1000, true).await, 1);
    other.state_sync.catch_up().await.unwrap();
    service.json("DELETE", "/v1/markets/de/stock/butter", "").await;
    assert_eq!(push(6, false).await, 1, "and the next word counts");
    assert!(!shown(&service).await);
    other.state_sync.catch_up().await.unwrap();
    assert!(!shown(&other).await);
    let restarted = service.restarted().await;
    assert!(!shown(&restarted).await);
}

/// Reading a pipe or a device in place of a file would never end.
#[cfg(unix)]
#[test]
fn what_is_no_file_in_the_models_folder_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), "reload_milliseconds = 50\n"));
    let models = folder.path().join("models");
    for market in ["aa", "bb"] {
        fs::create_dir_all(models.join(market)).unwrap();
    }
    assert!(Command::new("mkfifo").arg(models.join("aa/current")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", models.join("bb/current")).unwrap();
    // A version whose manifest is a pipe.
    let broken = models.join("de/2099-01-01t00-00-00z");
    fs::create_dir_all(&broken).unwrap();
    assert!(Command::new("mkfifo").arg(broken.join("manifest.json")).status().unwrap().success());
    fs::write(models.join("de/current"), "2099-01-01t00-00-00z\n").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.get(QUESTION).0, 200, "the model in service stays");
    // A new model is still noticed.
    let next = common::train(folder.path(), "de", 1_710_000_060).version;
    server.wait_for(QUESTION, |_, answer| answer["model"] == next.as_str());
    let (_, metrics) = request(&server.admin, "GET", "/metrics", "");
    let looked = metrics.lines().find_map(|line| line.strip_prefix("trolley_models_looked_timestamp_seconds "));
    assert!(looked.unwrap().parse::<f64>().unwrap() > 1e9);
}

/// Written files contain purchases: only their user and group may read them.
#[cfg(unix)]
#[test]
fn nothing_that_is_written_is_for_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), ""));
    request(&server.api, "PUT", "/v1/markets/de/offers", r#"{"offers": []}"#);
    for file in ["state.sqlite", "state.secret"] {
        let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{file}: {mode:o}");
    }
    drop(server);
    // With another secret, no erased customer is recognised; the service refuses to start with it.
    fs::write(folder.path().join("state.secret"), "0123456789abcdef0123456789abcdef").unwrap();
    let began = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_trolley"))
        .args(["serve", "--config", &folder.path().join("trolley.toml").display().to_string()])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!process.wait().unwrap().success() && said.contains("server.secret"), "{said}");
    assert!(began.elapsed() < Duration::from_mins(1));
}
