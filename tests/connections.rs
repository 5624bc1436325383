//! The connections of the real binary: shutdown, slow clients, missing file descriptors, TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;
#[path = "common/server.rs"]
mod server;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use server::{Server, request};

const QUESTION: &str = "/v1/markets/de/items/bread/bought-together?customer=anna";

fn many(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|many| many.parse().ok()).unwrap_or(otherwise)
}

/// Sends a request on a keep-alive connection. Returns the status, and whether the server asks to close it.
fn ask_on(stream: &mut TcpStream) -> std::io::Result<(u16, bool)> {
    write!(stream, "GET {QUESTION} HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    answer_on(stream)
}

/// Sends a request with a body, which follows its head in a separate write.
fn push_on(stream: &mut TcpStream) -> std::io::Result<(u16, bool)> {
    let body = r#"{"items": ["bread"]}"#;
    let head = "POST /v1/markets/de/bought-together HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n", body.len())?;
    std::thread::sleep(Duration::from_millis(50));
    write!(stream, "{body}")?;
    answer_on(stream)
}

fn answer_on(stream: &mut TcpStream) -> std::io::Result<(u16, bool)> {
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Ok((head[9..12].parse().unwrap(), head.contains("connection: close")));
        }
    }
}

#[test]
fn told_to_stop_under_load_it_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&common::serving(folder.path(), ""));
    let idle: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.api).unwrap();
            assert_eq!(ask_on(&mut stream).unwrap(), (200, false));
            stream
        })
        .collect();
    // Connections without a request yet, as browsers and proxies open them in advance.
    let silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(&server.api).unwrap()).collect();
    let (answered, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let status = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // A well-behaved client: it reuses a connection until it is asked to close it.
                while let Ok(mut stream) = TcpStream::connect(&server.api) {
                    loop {
                        let (status, close) = match ask_on(&mut stream) {
                            Ok(answer) => answer,
                            // The connection was not accepted before the listener closed: no request was lost.
                            Err(_) if stopped.load(Ordering::SeqCst) => return,
                            Err(error) => panic!("a request was lost: {error}"),
                        };
                        assert_eq!(status, 200);
                        answered.fetch_add(1, Ordering::SeqCst);
                        if close {
                            break;
                        }
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        let before = answered.load(Ordering::SeqCst);
        assert!(before > 0);
        let process = server.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        let told = Instant::now();
        while request(&server.admin, "GET", "/health/ready", "").0 == 200 {
            assert!(told.elapsed() < Duration::from_millis(900), "it still says that it is ready");
        }
        // Connections are closed one second after the signal.
        std::thread::sleep(Duration::from_millis(900).saturating_sub(told.elapsed()));
        assert!(answered.load(Ordering::SeqCst) > before, "it went on answering");
        stopped.store(true, Ordering::SeqCst);
        let status = server.process.wait().unwrap();
        assert!(told.elapsed() < Duration::from_secs(8), "idle connections held it up for {:?}", told.elapsed());
        status
    });
    assert!(status.success(), "{status}");
    drop((idle, silent));
}

/// Clients that send nothing, half a head or half a body, or that do not read their answers, are closed. Idle
/// keep-alive connections, as proxies hold them, are not.
#[test]
fn slow_clients_are_closed_and_others_do_not_notice() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), ""));
    let mut idle = TcpStream::connect(&server.api).unwrap();
    assert_eq!(ask_on(&mut idle).unwrap(), (200, false));
    let mut idle_after_a_body = TcpStream::connect(&server.api).unwrap();
    assert_eq!(push_on(&mut idle_after_a_body).unwrap(), (200, false));
    let half_body = "PUT /v1/markets/de/stock HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                     content-length: 1000\r\n\r\n{\"updates\": [";
    let reader = "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(300);
    let beginnings = ["", "GET /v1/markets HTTP/1.1\r\nhost:", half_body, &reader];
    let slow: Vec<TcpStream> = (0..many("TROLLEY_SLOW", 100))
        .map(|client| {
            let mut stream = TcpStream::connect(&server.api).unwrap();
            // The rest does not fit into the buffers: that is a slow reader.
            stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
            let _ = stream.write_all(beginnings[client % beginnings.len()].as_bytes());
            stream
        })
        .collect();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(35) {
        let asked = Instant::now();
        let (status, _) = request(&server.api, "GET", QUESTION, "");
        // Until their answers fill the buffers, clients that do not read are ordinary load.
        assert!(status == 200 || (status == 503 && began.elapsed() < Duration::from_secs(5)), "{status}");
        assert!(asked.elapsed() < Duration::from_secs(1), "others wait {:?}", asked.elapsed());
        std::thread::sleep(Duration::from_millis(200));
    }
    for (client, mut stream) in slow.into_iter().enumerate() {
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        // Whatever was sent before, the connection ends, instead of a time-out here.
        let mut left = Vec::new();
        let end = stream.read_to_end(&mut left);
        let open = end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!open, "client {client} is still connected");
    }
    for idle in [&mut idle, &mut idle_after_a_body] {
        assert_eq!(ask_on(idle).unwrap(), (200, false), "an idle connection was closed");
    }
}

#[test]
fn it_recovers_when_files_had_run_out() {
    let folder = tempfile::tempdir().unwrap();
    let config = common::serving(folder.path(), "");
    let server = Server::start(&config);
    let process = server.process.id().to_string();
    let limit = Command::new("prlimit").args(["--pid", &process, "--nofile=48:48"]).status();
    if !limit.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no prlimit");
        return;
    }
    let hoard: Vec<TcpStream> = (0..200).filter_map(|_| TcpStream::connect(&server.api).ok()).collect();
    std::thread::sleep(Duration::from_millis(300));
    let mut late = TcpStream::connect(&server.api).unwrap();
    late.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(ask_on(&mut late).is_err(), "there were files left: the test shows nothing");
    drop((hoard, late));
    let began = Instant::now();
    loop {
        let mut stream = TcpStream::connect(&server.api).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        if ask_on(&mut stream).is_ok_and(|(status, _)| status == 200) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it did not recover");
    }
}

#[test]
fn beyond_the_limit_connections_are_closed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), "connections = 3\n"));
    let mut held: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(&server.api).unwrap()).collect();
    for stream in &mut held {
        assert_eq!(ask_on(stream).unwrap().0, 200);
    }
    assert!(ask_on(&mut TcpStream::connect(&server.api).unwrap()).is_err());
    let (_, metrics) = request(&server.admin, "GET", "/metrics", "");
    assert!(metrics.contains("trolley_connections_refused_total 1"), "{metrics}");
    assert!(metrics.contains("trolley_connections_limit 3"), "{metrics}");
    held.pop();
    let began = Instant::now();
    while ask_on(&mut TcpStream::connect(&server.api).unwrap()).is_err() {
        assert!(began.elapsed() < Duration::from_secs(5), "a place that became free is not given away");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_tls_and_takes_a_new_certificate_without_a_restart() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let write = || -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["trolley.test".to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    };
    let ask_path = async |address: String, path: &str, trusted: &CertificateDer<'static>| -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = builder.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let stream = tokio::net::TcpStream::connect(address).await?;
        let name = ServerName::try_from("trolley.test").unwrap();
        let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        Ok(answer)
    };
    let ask = async |address: String, trusted: &CertificateDer<'static>| ask_path(address, QUESTION, trusted).await;
    let ask_for = async |address: &str, path: &str, trusted: &CertificateDer<'static>| {
        ask_path(address.to_owned(), path, trusted).await.unwrap()
    };
    let first = write();
    let tls = format!("[server.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", certificate.display(), key.display());
    let server = Server::start(&common::serving(folder.path(), &tls));
    let answer = ask(server.api.clone(), &first).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Without TLS, no readable response comes back.
    let mut plain = TcpStream::connect(&server.api).unwrap();
    assert!(ask_on(&mut plain).is_err());

    std::fs::write(&certificate, "no certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(ask(server.api.clone(), &first).await.is_ok(), "what can't be read is not used");
    // Copying tools can set any modification time: only the content counts.
    let times = |path: &Path| std::fs::metadata(path).unwrap().modified().unwrap();
    let (of_certificate, of_key) = (times(&certificate), times(&key));
    let second = write();
    for (path, time) in [(&certificate, of_certificate), (&key, of_key)] {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    let began = Instant::now();
    while ask(server.api.clone(), &second).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "the new certificate is not used");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(ask(server.api.clone(), &first).await.is_err(), "the old certificate is still used");
    let metrics = ask_for(&server.admin, "/metrics", &second).await;
    let figure = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse::<f64>().unwrap()
    };
    assert!(figure("trolley_certificates_refused_total") >= 1.0);
    assert!(figure("trolley_certificate_expiry_timestamp_seconds") > 1.8e9, "rcgen's are valid for long");
}

/// A page of ten widgets and a server of fifty threads are not overload.
#[test]
fn a_burst_is_answered_and_so_are_many_in_a_closed_loop() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), ""));
    let request = format!("GET {QUESTION} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut streams: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.api).unwrap();
            assert_eq!(ask_on(&mut stream).unwrap().0, 200);
            stream
        })
        .collect();
    for _ in 0..3 {
        // All requests are sent before the first answer is read.
        streams.iter_mut().for_each(|stream| stream.write_all(request.as_bytes()).unwrap());
        let answered = streams.iter_mut().map(|stream| answer_on(stream).unwrap().0).filter(|status| *status == 200);
        assert_eq!(answered.count(), 300);
    }
    let end = Instant::now() + Duration::from_secs(1);
    let refused = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for mut stream in streams.drain(..128) {
            let refused = &refused;
            scope.spawn(move || {
                while Instant::now() < end {
                    refused.fetch_add(usize::from(ask_on(&mut stream).unwrap().0 != 200), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(refused.into_inner(), 0, "each asks as soon as it was answered");
}

/// The client of a refused push can read why: its body is read to the end before the connection is closed.
#[test]
fn a_refusal_reaches_who_is_still_sending() {
    let folder = tempfile::tempdir().unwrap();
    let key = blake3::hash(b"secret").to_hex();
    let keys = format!("[[server.keys]]\nhash = \"{key}\"\nscopes = [\"push\"]\n");
    let server = Server::start(&common::serving(folder.path(), &keys));
    let push = |more: &str, bytes: usize| {
        let mut stream = TcpStream::connect(&server.api).unwrap();
        let head = "PUT /v1/markets/de/offers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
        write!(stream, "{head}\r\n{more}content-length: {bytes}\r\n\r\n").unwrap();
        // All of it is sent before anything is read, as most clients do.
        let piece = vec![b' '; 1 << 20];
        for sent in (0..bytes).step_by(piece.len()) {
            stream.write_all(&piece[..piece.len().min(bytes - sent)]).expect("it is read on");
        }
        answer_on(&mut stream).expect("the answer arrives").0
    };
    assert_eq!(push("", 20 << 20), 401);
    assert_eq!(push("authorization: Bearer secret\r\n", 40 << 20), 413);
}

/// An HTTP/2 client gets GOAWAY at once, and its open requests are answered.
#[tokio::test]
async fn a_client_of_http_2_is_told_to_go_when_the_service_begins_to_leave() {
    use http_body_util::{BodyExt, Empty};
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&common::serving(folder.path(), "leaving_milliseconds = 20000\n"));
    let stream = tokio::net::TcpStream::connect(&server.api).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let ends = tokio::spawn(connection);
    let question =
        || hyper::Request::get(format!("http://localhost{QUESTION}")).body(Empty::<hyper::body::Bytes>::new()).unwrap();
    let answer = client.send_request(question()).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.unwrap();
    assert!(Command::new("kill").args(["-TERM", &server.process.id().to_string()]).status().unwrap().success());
    let ended = tokio::time::timeout(Duration::from_secs(10), ends).await;
    assert!(ended.expect("long before it has left").unwrap().is_ok());
}
