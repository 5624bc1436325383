//! Trains several markets in parallel, each in its own process, as many at a time as processors and memory allow.
//!
//! A process has its own peak of memory, and if it fails, the others continue.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::{JoinHandle, available_parallelism};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trolley_model::Name;
use trolley_training::InputConfig;
use trolley_training::input::find_files;

use super::clock::now;
use super::market_outcome::MarketOutcome;
use crate::output;

/// Bytes of memory per byte of a Parquet file, measured on The Complete Journey.
const MEMORY_PER_BYTE: f64 = 170.0;
/// Bytes of memory that every market needs in addition.
const BASE_MEMORY: f64 = 300e6;
/// Size of a CSV file relative to a Parquet file with the same content.
const CSV_SIZE_RATIO: f64 = 8.0;
/// Bytes of free memory assumed if the system does not report it.
const ASSUMED_FREE_MEMORY: f64 = 4e9;
const GIB: f64 = (1u64 << 30) as f64;

/// A market in training.
struct Running {
    place: usize,
    need: f64,
    waiting: JoinHandle<std::io::Result<Output>>,
}

/// How to train markets in parallel.
pub(super) struct Parallel {
    /// Maximum number of processes; one per processor if it is not set.
    pub(super) processes: Option<NonZeroUsize>,
    /// Memory for all processes in GiB; the free memory if it is not set.
    pub(super) memory: Option<f64>,
    /// Threads of all processes; 0 for all processors.
    pub(super) threads: usize,
    /// Arguments of `trolley train` in each process.
    pub(super) arguments: Vec<OsString>,
}

/// Trains all markets. Returns their outcomes, in the same order.
pub(super) fn train(parallel: &Parallel, markets: &[(&Name, &InputConfig)]) -> anyhow::Result<Vec<MarketOutcome>> {
    let processors = available_parallelism().map_or(1, usize::from);
    let most = parallel.processes.map_or(processors, usize::from).min(markets.len());
    let budget = parallel.memory.map_or_else(free_memory, |gib| gib * GIB);
    let threads = if parallel.threads == 0 { processors } else { parallel.threads };
    let (threads, time) = ((threads / most).max(1), now()?);
    let name = format!("trolley-train-{}-{}", std::process::id(), chrono::Utc::now().timestamp_micros());
    let folder = std::env::temp_dir().join(name);
    // Fails if it exists: it might belong to another user.
    std::fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let outcome = |market: &Name| folder.join(format!("{market}.json"));
    let bar = bar(markets.len());

    let mut ends: Vec<Option<MarketOutcome>> = markets.iter().map(|_| None).collect();
    // The largest come first, so that none of them runs alone at the end.
    let mut waiting: Vec<(usize, f64)> = markets.iter().map(|(_, input)| need(input)).enumerate().collect();
    waiting.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut running: Vec<Running> = Vec::new();
    while !(waiting.is_empty() && running.is_empty()) {
        let used: f64 = running.iter().map(|running| running.need).sum();
        // A market that needs more than the budget runs alone.
        let fits = |&(_, need): &(usize, f64)| running.is_empty() || used + need <= budget;
        if running.len() < most
            && let Some(next) = waiting.iter().rposition(fits)
        {
            let (place, need) = waiting.remove(next);
            let market = markets[place].0;
            let child = start(&parallel.arguments, market, threads, time.timestamp(), &outcome(market))?;
            running.push(Running { place, need, waiting: std::thread::spawn(move || child.wait_with_output()) });
            continue;
        }
        let Some(done) = running.iter().position(|running| running.waiting.is_finished()) else {
            std::thread::sleep(std::time::Duration::from_millis(50));
            continue;
        };
        let Running { place, waiting, .. } = running.swap_remove(done);
        let (market, output) = (markets[place].0, waiting.join());
        let end = std::fs::read_to_string(outcome(market)).ok().and_then(|text| serde_json::from_str(&text).ok());
        bar.suspend(|| show(market, output.ok().and_then(Result::ok), end.is_some()));
        ends[place] = Some(end.unwrap_or_else(|| MarketOutcome::failed(market)));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let _ = std::fs::remove_dir_all(&folder);
    Ok(ends.into_iter().flatten().collect())
}

fn start(arguments: &[OsString], market: &Name, threads: usize, time: i64, outcome: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe().context("the path of this program cannot be determined")?);
    command.args(["train", "--market", market.as_str(), "--threads", &threads.to_string(), "--outcome"]).arg(outcome);
    command.args(arguments);
    // One time for all, so that the versions of one run have the same name.
    command.env("SOURCE_DATE_EPOCH", time.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().context("the process for a market cannot be started")
}

/// Prints the output of a market's process in one piece. If the process has reported its outcome (`told`), its final
/// error is left out: the outcomes of all markets are printed at the end.
fn show(market: &Name, ended: Option<Output>, told: bool) {
    let Some(ended) = ended else {
        eprintln!("market `{market}`: the output of its process cannot be read");
        return;
    };
    output::print(|out| out.write_all(&ended.stdout));
    for line in String::from_utf8_lossy(&ended.stderr).lines().filter(|line| !told || !line.starts_with("error: ")) {
        eprintln!("{line}");
    }
    if ended.status.code().is_none() {
        eprintln!("market `{market}`: its process was killed; perhaps memory ran out: see --memory and --parallel");
    }
}

/// Bytes of memory to reserve for a market's training.
fn need(input: &InputConfig) -> f64 {
    if let Some(gib) = input.gate.as_ref().and_then(|gate| gate.memory_gib) {
        return gib * GIB;
    }
    let bytes = |path: &std::path::PathBuf| {
        let bytes = std::fs::metadata(path).map_or(0, |file| file.len()) as f64;
        if path.extension().is_some_and(|ending| ending == "csv") { bytes / CSV_SIZE_RATIO } else { bytes }
    };
    // If the files cannot be listed, the training reports it.
    let files = find_files(&input.transactions).unwrap_or_default().files;
    BASE_MEMORY + MEMORY_PER_BYTE * files.iter().map(bytes).sum::<f64>()
}

/// Four fifths of the free memory of this machine or container, in bytes.
fn free_memory() -> f64 {
    let number = |file: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok()?.trim().parse().ok();
    let within: Option<f64> = number("memory.max").map(|most: f64| most - number("memory.current").unwrap_or(0.0));
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    let free = kib.map_or(ASSUMED_FREE_MEMORY, |kib| kib * 1024.0);
    within.map_or(free, |within| within.min(free)) * 0.8
}

fn bar(markets: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(markets as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg:22} {bar:32} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message("markets");
    bar
}
