//! Time to open a model, and its memory, with the allocator of the service.
//!
//! `cargo run -- demo --no-serve` makes the model (or `TROLLEY_MODELS` names a folder of one market); then `cargo bench
//! -p trolley --no-default-features --bench opening`. `TROLLEY_COPIES` is the number of copies open at a time, like
//! that many markets.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Instant;

use trolley_model::artefact::ModelRegistry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 15;

fn main() {
    let models = std::env::var("TROLLEY_MODELS").unwrap_or_else(|_| "trolley-demo/models".into());
    let copies: usize = std::env::var("TROLLEY_COPIES").map_or(1, |copies| copies.parse().unwrap());
    let registry = ModelRegistry::new(&models);
    let name = registry.markets().unwrap().remove(0);
    let version = registry.current(&name).unwrap();
    let before = resident();
    let opened: Vec<_> = (0..copies).map(|_| registry.open(&name, &version).unwrap()).collect();
    let each = (resident() - before) / copies as f64;
    let bytes: u64 = opened[0].manifest.files.values().map(|file| file.bytes).sum();
    let megabytes = bytes as f64 / 1e6;
    println!("{megabytes:.1} MB take {each:.1} MB in memory, as the mean of {copies}");
    drop(opened);

    let mut open = seconds(|| drop(black_box(registry.open(&name, &version).unwrap())));
    let content: Vec<u8> = (0..bytes).map(|byte| byte as u8).collect();
    let mut hash = seconds(|| _ = black_box(blake3::hash(black_box(&content))));
    let mut copy = seconds(|| drop(black_box(content.clone())));
    println!("\n| | GB/s: minimum | median | maximum |\n| --- | --- | --- | --- |");
    for (what, times) in [("opened, checked, indexed", &mut open), ("hashed", &mut hash), ("copied", &mut copy)] {
        times.sort_by(f64::total_cmp);
        let rate = |at: usize| megabytes / 1e3 / times[at];
        println!("| {what} | {:.2} | {:.2} | {:.2} |", rate(ROUNDS - 1), rate(ROUNDS / 2), rate(0));
    }
}

fn seconds(what: impl Fn()) -> Vec<f64> {
    let once = |_| {
        let began = Instant::now();
        what();
        began.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(once).collect()
}

/// Resident memory of this process in megabytes; 0 without `/proc`.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * 4096.0 / 1e6
}
