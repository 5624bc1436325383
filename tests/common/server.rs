//! The real binary as a server.
#![allow(dead_code, missing_docs, reason = "each test file that shares this module uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running service, killed on drop.
pub(crate) struct Server {
    pub(crate) process: Child,
    pub(crate) api: String,
    pub(crate) admin: String,
}

impl Server {
    pub(crate) fn start(config: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_trolley"))
            .args(["serve", "--config", config])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains("listening"))
            .expect("the service says where it listens");
        let address = |name: &str| {
            let rest = line.split_once(&format!("{name}=")).unwrap().1;
            rest.split_whitespace().next().unwrap().to_owned()
        };
        let (api, admin) = (address("api"), address("admin"));
        // A process that writes to a full pipe blocks.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, api, admin }
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = request(&self.api, "GET", path, "");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Polls until the answer is as wanted; a service follows changes within moments.
    pub(crate) fn wait_for(&self, path: &str, wanted: impl Fn(u16, &Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let (status, body) = self.get(path);
            if wanted(status, &body) {
                return body;
            }
            assert!(Instant::now() < deadline, "{path} still answers {status} {body}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends one request on its own connection. Returns status and body.
pub(crate) fn request(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer to {method} {path}: {answer:?}")), body.to_owned())
}
