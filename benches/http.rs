//! Requests per second over HTTP on one processor, compared with a bare axum handler that returns a constant body of
//! the same size: `wrk` with 32 connections on the other processor, alternating.
//!
//! `cargo run -- demo --no-serve` makes the model (or `TROLLEY_MODELS` names a folder of one market); then
//! `cargo bench -p trolley --no-default-features --bench http`. Needs `wrk` and `taskset`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "common/constant.rs"]
mod constant;
#[path = "../tests/common/server.rs"]
mod server;

use std::path::Path;
use std::process::Command;

use constant::Constant;
use server::{Server, request};
use trolley_model::artefact::ModelRegistry;
use trolley_model::{Item, Name};

const REPEATS: usize = 5;
const SECONDS: &str = "3s";

fn pin(processor: &str) {
    let me = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-a", "-p", "-c", processor, &me]).output();
    assert!(pinned.is_ok_and(|output| output.status.success()), "there is no taskset");
}

/// Requests per second for each path of a file in turn.
fn per_second(address: &str, script: &Path) -> f64 {
    let output = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1", "-c32", "-d", SECONDS, "-s"])
        .arg(script)
        .arg(format!("http://{address}"))
        .output()
        .expect("there is no wrk");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{text}");
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    line.unwrap_or_else(|| panic!("{text}")).trim().parse().unwrap()
}

fn script(folder: &Path, name: &str, paths: &[String]) -> std::path::PathBuf {
    let list: Vec<String> = paths.iter().map(|path| format!("{path:?}")).collect();
    let text = format!(
        "local paths = {{{}}}\nlocal at = 0\nrequest = function()\n  at = at % #paths + 1\n  \
         return wrk.format(\"GET\", paths[at])\nend\n",
        list.join(",")
    );
    let path = folder.join(format!("{name}.lua"));
    std::fs::write(&path, text).unwrap();
    path
}

fn main() {
    if constant::served() {
        return;
    }
    let models = std::env::var("TROLLEY_MODELS").unwrap_or_else(|_| "trolley-demo/models".into());
    let models = std::fs::canonicalize(models).expect("a model: `cargo run -- demo --no-serve` makes one");
    let registry = ModelRegistry::new(&models);
    let market: Name = registry.markets().unwrap().remove(0);
    let model = registry.open(&market, &registry.current(&market).unwrap()).unwrap().model;
    let (catalogue, customers) = (model.catalogue(), model.histories().customers());
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("trolley.toml");
    // The 32 connections without pauses are the workload; none of them may be refused.
    let text = format!(
        "models = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
         state = \"sqlite:{}/state.sqlite\"\nadmission_microseconds = 0\n",
        models.display(),
        folder.path().display()
    );
    std::fs::write(&config, text).unwrap();
    pin("0");
    let server = Server::start(config.to_str().unwrap());
    let offers: Vec<String> = (0..1000u32)
        .map(|at| format!("{{\"id\": \"o{at}\", \"items\": [{:?}]}}", catalogue.id(Item(at * 5 % catalogue.bought()))))
        .collect();
    let body = format!("{{\"offers\": [{}]}}", offers.join(","));
    assert_eq!(request(&server.api, "PUT", &format!("/v1/markets/{market}/offers"), &body).0, 200);
    // Two thousand requests, from bestsellers to the long tail, by different customers.
    let some = |turn: u32, n: u32| (u64::from(turn) * 7919 % u64::from(n.max(1))) as u32;
    let about = |what: &dyn Fn(&str, &str) -> String| -> Vec<String> {
        let one = |turn| {
            what(catalogue.id(Item(some(turn, catalogue.bought()))), customers.get(some(turn, customers.len() as u32)))
        };
        (0..2000).map(one).collect()
    };
    let base = format!("/v1/markets/{market}");
    let questions = [
        ("bought together, nobody", about(&|item, _| format!("{base}/items/{item}/bought-together"))),
        ("bought together, customer", about(&|item, c| format!("{base}/items/{item}/bought-together?customer={c}"))),
        ("alternatives, customer", about(&|item, c| format!("{base}/items/{item}/alternatives?customer={c}"))),
        ("200 of 1,000 offers", about(&|_, c| format!("{base}/customers/{c}/offers"))),
    ];
    println!("| question | bytes | answers/s | constant/s | ratio: minimum | median | maximum |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, paths) in &questions {
        let bytes = request(&server.api, "GET", &paths[0], "").1.len();
        let constant = Constant::start(bytes);
        let script = script(folder.path(), "paths", paths);
        let mut turns: Vec<(f64, f64, f64)> = (0..REPEATS)
            .map(|_| {
                let (ours, bare) = (per_second(&server.api, &script), per_second(&constant.address, &script));
                (ours / bare, ours, bare)
            })
            .collect();
        drop(constant);
        turns.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (low, median, high) = (turns[0], turns[REPEATS / 2], turns[REPEATS - 1]);
        println!(
            "| {name} | {bytes} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} |",
            median.1, median.2, low.0, median.0, high.0
        );
    }
}
