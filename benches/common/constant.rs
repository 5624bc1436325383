//! A bare axum handler in its own process: the cost of a response without any work.

use std::io::BufRead;
use std::process::{Child, Command, Stdio};

/// Answers every request with a constant body.
pub(crate) struct Constant {
    /// Host and port.
    pub(crate) address: String,
    pub(crate) process: Child,
}

impl Constant {
    /// Starts one with a body of this many bytes.
    pub(crate) fn start(bytes: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["constant", &bytes.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { address: address.trim().to_owned(), process }
    }
}

impl Drop for Constant {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves if this process was started as such a handler; true once it has ended.
pub(crate) fn served() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, what, bytes] = &arguments[..] else { return false };
    if what == "constant" {
        serve(bytes.parse().unwrap());
    }
    what == "constant"
}

fn serve(bytes: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let body: &str = "x".repeat(bytes).leak();
        let json = [(axum::http::header::CONTENT_TYPE, "application/json")];
        let router = axum::Router::new().fallback(move || async move { (json, body) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}
