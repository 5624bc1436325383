//! The service under overload. A closed loop measures its capacity. Then requests arrive in an open loop: at half of
//! capacity, at half while the model is swapped, at twice and at ten times, and at half again. In each round a bare
//! axum handler gets requests at half of capacity: its times are those of the machine. Other processes also disturb the
//! two processors, so scheduling delays of service and clients are sampled every 10 ms. A second table leaves out the
//! disturbed intervals.
//!
//! Then loads that are not overload, on all processors: 300 requests at once, and 128 connections in a closed loop.
//! Finally twice the capacity for ten seconds. Its goodput is compared with what the cost of refusals leaves, (1 - 2 r)
//! / (1 - r) of capacity, where r is the cost of a refusal relative to an answer; it is taken to be that of an answer
//! of the bare handler.
//!
//! `cargo run --release -- demo --no-serve`, then `cargo bench -p trolley --no-default-features --bench overload`. The
//! service runs on one processor (if `taskset` exists) and the clients on another. Times count from when a request was
//! due, not from when it could be sent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "common/constant.rs"]
mod constant;
#[path = "../tests/common/server.rs"]
mod server;
#[path = "common/waits.rs"]
mod waits;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use constant::Constant;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trolley_model::artefact::{DataFacts, Draft, ModelRegistry};
use trolley_model::{Item, Name};
use waits::Waits;

const CONNECTIONS: usize = 512;
const SECONDS: f64 = 1.0;
const ROUNDS: usize = 9;
/// Duration of the sustained load in seconds.
const STANDING_SECONDS: f64 = 10.0;

/// Maximum scheduling delay of service and clients in a 10 ms interval that counts as quiet, in milliseconds.
const QUIET: f64 = 0.5;

/// Indices of the loads of a round, in the order of the table.
const HALF: usize = 0;
const BARE: usize = 1;
const SWAPPED: usize = 2;
const TWICE: usize = 3;

/// The result of a load.
#[derive(Default)]
struct Load {
    /// The latency of each answer in milliseconds, and when it was due, in seconds since the load began.
    answered: Vec<(f64, f64)>,
    /// Samples: seconds since the load began, and the scheduling delay of service and clients until then, in
    /// milliseconds.
    waited: Vec<(f64, f64)>,
    refused: u64,
    failed: u64,
    seconds: f64,
}

impl Load {
    /// The answers that were due in a quiet interval that follows another quiet one.
    fn quiet(&self) -> impl Iterator<Item = (f64, f64)> {
        // A negative difference means that a thread has ended, and its delay is no longer counted.
        let quiet = |pair: &[(f64, f64)]| (0.0..QUIET).contains(&(pair[1].1 - pair[0].1));
        self.waited.windows(3).filter(move |ends| quiet(&ends[..2]) && quiet(&ends[1..])).flat_map(|ends| {
            let due = ends[1].0..ends[2].0;
            self.answered.iter().copied().filter(move |answer| due.contains(&answer.1))
        })
    }

    fn quantile(&mut self, share: f64) -> f64 {
        self.answered.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = ((self.answered.len() as f64 * share) as usize).min(self.answered.len().saturating_sub(1));
        self.answered.get(at).map_or(f64::NAN, |answer| answer.0)
    }

    /// Goodput as a share of capacity, p50, p99, p99.9, p99 relative to `beside`, and the share of refused requests.
    fn figures(&mut self, capacity: f64, beside: f64) -> Vec<f64> {
        assert_eq!(self.failed, 0, "connections failed");
        let all = self.refused + self.answered.len() as u64;
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| self.quantile(share));
        vec![self.goodput() / capacity, p50, p99, p999, p99 / beside, self.refused as f64 / all as f64]
    }

    fn goodput(&self) -> f64 {
        self.answered.len() as f64 / self.seconds
    }
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(8192) }
    }

    /// The status of a response; `None` if the connection failed.
    async fn ask(&mut self, request: &[u8]) -> Option<u16> {
        self.stream.write_all(request).await.ok()?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end]).ok()?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if self.buffer.len() >= end + 4 + length.unwrap_or(0) {
                return head.get(9..12)?.parse().ok();
            }
        }
    }
}

/// Requests about random customers and items of the model.
fn requests(market: &Name, registry: &ModelRegistry) -> Vec<Vec<u8>> {
    let opened = registry.open(market, &registry.current(market).unwrap()).unwrap();
    let (customers, catalogue) = (opened.model.histories().customers(), opened.model.catalogue());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut pick = |n: u32| (random.next_u64() % u64::from(n)) as u32;
    (0..5000)
        .map(|_| {
            let (customer, item) = (pick(customers.len() as u32), Item(pick(catalogue.bought())));
            let (customer, item) = (customers.get(customer), catalogue.id(item));
            format!(
                "GET /v1/markets/{market}/items/{item}/bought-together?customer={customer} HTTP/1.1\r\nhost: localhost\r\n\r\n"
            )
            .into_bytes()
        })
        .collect()
}

/// A closed loop of four clients, too few to be refused. Each rotates over its share of the connections, as the open
/// loop uses as many.
async fn closed(address: &str, requests: Rc<Vec<Vec<u8>>>) -> Load {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Client::new(address).await);
    }
    let began = Instant::now();
    let clients = (0..4).map(|client| {
        let requests = requests.clone();
        let mut connections = connections.split_off(connections.len() - CONNECTIONS / 4);
        tokio::task::spawn_local(async move {
            let (mut answered, first) = (0u64, client * 1250);
            while began.elapsed().as_secs_f64() < SECONDS {
                let request = &requests[(first + answered as usize) % requests.len()];
                let connection = answered as usize % connections.len();
                assert_eq!(connections[connection].ask(request).await, Some(200));
                answered += 1;
            }
            answered
        })
    });
    let mut load = Load::default();
    for client in clients.collect::<Vec<_>>() {
        load.answered.resize(load.answered.len() + client.await.unwrap() as usize, (0.0, 0.0));
    }
    load.seconds = began.elapsed().as_secs_f64();
    load
}

/// An open loop: requests are due at random times, `rate` per second, independent of earlier answers.
async fn open(address: &str, requests: Rc<Vec<Vec<u8>>>, rate: f64, waits: Waits) -> Load {
    open_for(SECONDS, address, requests, rate, waits).await
}

async fn open_for(seconds: f64, address: &str, requests: Rc<Vec<Vec<u8>>>, rate: f64, mut waits: Waits) -> Load {
    let (sender, receiver) = async_channel();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (address, requests, receiver) = (address.to_owned(), requests.clone(), receiver.clone());
            tokio::task::spawn_local(async move {
                let (mut client, mut load) = (Client::new(&address).await, Load::default());
                while let Some((number, began, due)) = next(&receiver).await {
                    match client.ask(&requests[number % requests.len()]).await {
                        Some(200) => load.answered.push(((began.elapsed().as_secs_f64() - due) * 1e3, due)),
                        Some(503) => load.refused += 1,
                        _ => {
                            load.failed += 1;
                            client = Client::new(&address).await;
                        }
                    }
                }
                load
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (began, mut due) = (Instant::now(), 0.0);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(2);
    let (mut number, mut all) = (0, Load::default());
    while due < seconds {
        let unit = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        due -= (1.0 - unit).ln() / rate;
        while began.elapsed().as_secs_f64() < due {
            tokio::task::yield_now().await;
        }
        let _ = sender.send((number, began, due));
        number += 1;
        if due >= all.waited.len() as f64 / 100.0 {
            all.waited.push((due, waits.milliseconds()));
        }
    }
    drop(sender);
    for client in clients {
        let load = client.await.unwrap();
        all.answered.extend(load.answered);
        all.refused += load.refused;
        all.failed += load.failed;
    }
    all.seconds = began.elapsed().as_secs_f64();
    all
}

/// Sends `many` requests at once, each on its own connection. Returns the milliseconds until the last answer, and the
/// number refused.
async fn burst(address: &str, requests: &[Vec<u8>], many: usize) -> Vec<f64> {
    let mut clients = Vec::new();
    for number in 0..many {
        let mut client = Client::new(address).await;
        assert_eq!(client.ask(&requests[number % requests.len()]).await, Some(200));
        clients.push(client);
    }
    let began = Instant::now();
    let asking = clients.into_iter().enumerate().map(|(number, mut client)| {
        let request = requests[(number * 7) % requests.len()].clone();
        tokio::task::spawn_local(async move { client.ask(&request).await })
    });
    let mut refused = 0.0;
    for asked in asking.collect::<Vec<_>>() {
        refused += f64::from(u8::from(asked.await.unwrap() != Some(200)));
    }
    vec![began.elapsed().as_secs_f64() * 1e3, refused]
}

/// A closed loop of this many connections for a second. Returns the answers per second, and the number refused.
async fn closed_by_all(address: &str, requests: Rc<Vec<Vec<u8>>>, connections: usize) -> Vec<f64> {
    let began = Instant::now();
    let mut clients = Vec::new();
    for number in 0..connections {
        let (mut client, requests) = (Client::new(address).await, requests.clone());
        clients.push(tokio::task::spawn_local(async move {
            let (mut answered, mut refused) = (0.0, 0.0);
            while began.elapsed().as_secs_f64() < SECONDS {
                let request = &requests[(number * 39 + answered as usize) % requests.len()];
                match client.ask(request).await {
                    Some(200) => answered += 1.0,
                    _ => refused += 1.0,
                }
            }
            [answered, refused]
        }));
    }
    let mut all = [0.0; 2];
    for client in clients {
        let [answered, refused] = client.await.unwrap();
        all = [all[0] + answered, all[1] + refused];
    }
    vec![all[0] / began.elapsed().as_secs_f64(), all[1]]
}

/// The index of a request, the start of the load, and the seconds after it when the request is due.
type Due = (usize, Instant, f64);
type Receiver = Rc<tokio::sync::Mutex<tokio::sync::mpsc::UnboundedReceiver<Due>>>;

fn async_channel() -> (tokio::sync::mpsc::UnboundedSender<Due>, Receiver) {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    (sender, Rc::new(tokio::sync::Mutex::new(receiver)))
}

async fn next(receiver: &Receiver) -> Option<Due> {
    receiver.lock().await.recv().await
}

/// The market's model under two versions, in a registry of its own.
fn twins(models: &Path, folder: &Path) -> (ModelRegistry, Name, [Name; 2]) {
    let registry = ModelRegistry::new(models);
    let market = registry.markets().unwrap().remove(0);
    let opened = registry.open(&market, &registry.current(&market).unwrap()).unwrap();
    let (copies, versions) = (ModelRegistry::new(folder), ["one", "other"].map(|version| Name::new(version).unwrap()));
    for version in &versions {
        let draft = Draft {
            market: market.clone(),
            version: version.clone(),
            created_at: opened.manifest.created_at.clone(),
            data: DataFacts::default(),
            config: serde_json::Value::Null,
            evaluation: BTreeMap::new(),
            failed_gates: Vec::new(),
            judgement: None,
            parts: opened.model.parts(),
        };
        copies.publish(&draft).unwrap();
    }
    (copies, market, versions)
}

/// Prints a row of the table: the median over the rounds, with minimum and maximum in brackets.
fn say(name: &str, rounds: &mut [Vec<f64>]) {
    let cells = (0..rounds[0].len()).map(|at| {
        rounds.sort_by(|a, b| a[at].total_cmp(&b[at]));
        let [low, median, high] = [0, rounds.len() / 2, rounds.len() - 1].map(|round| rounds[round][at]);
        if rounds.len() == 1 { format!("{median:.2}") } else { format!("{median:.2} ({low:.2} to {high:.2})") }
    });
    println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

/// A service on all processors: a burst, and a closed loop with many connections.
fn no_overload(config: &Path, requests: &Rc<Vec<Vec<u8>>>, runtime: &tokio::runtime::Runtime) {
    let server = Server::start(config.to_str().unwrap());
    let local = tokio::task::LocalSet::new();
    local.block_on(runtime, async {
        println!("\n| 300 requests at once | last answered after ms | refused |\n| --- | --- | --- |");
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(burst(&server.api, requests, 300).await);
        }
        say("on all processors", &mut rounds);
        println!("\n| 128 connections in a closed loop | answers/s | refused |\n| --- | --- | --- |");
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS / 4 {
            rounds.push(closed_by_all(&server.api, requests.clone(), 128).await);
        }
        say("on all processors", &mut rounds);
    });
}

fn main() {
    if constant::served() {
        return;
    }
    let models = std::env::var("TROLLEY_MODELS").unwrap_or_else(|_| "trolley-demo/models".into());
    let models = std::fs::canonicalize(models).expect("a model: `cargo run --release -- demo --no-serve` makes one");
    let folder = tempfile::tempdir().unwrap();
    let (registry, market, versions) = twins(&models, &folder.path().join("models"));
    let config = folder.path().join("trolley.toml");
    let text = format!(
        "models = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
         state = \"sqlite:{}/state.sqlite\"\nreload_milliseconds = 100\n",
        registry.path().display(),
        folder.path().display()
    );
    std::fs::write(&config, text).unwrap();
    let pin = |process: u32, processor: &str| {
        let pinned = Command::new("taskset").args(["-a", "-p", "-c", processor, &process.to_string()]).output();
        if !pinned.is_ok_and(|output| output.status.success()) {
            println!("there is no taskset: service and clients share the processors");
        }
    };
    // The service starts on this one processor, and therefore counts one.
    pin(std::process::id(), "0");
    let server = Server::start(config.to_str().unwrap());
    let bare = Constant::start(431);
    pin(std::process::id(), "1");
    let requests = Rc::new(requests(&market, &registry));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        println!(
            "| load, of capacity | answers/s, of capacity | p50 ms | p99 ms | p99.9 ms | p99 of that at half | refused |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        // The speed of the machine varies, so each round measures capacity before and after. The result of a load is
        // the median over its rounds.
        let mut rounds: [Vec<Vec<f64>>; 4] = Default::default();
        // For the first two loads: the answers in quiet intervals of all rounds, and the number of all answers.
        let mut quiet: [(Load, usize); 2] = Default::default();
        let (mut last, mut half) = (0.0, 0.0);
        for round in 0..ROUNDS {
            let before = closed(&server.api, requests.clone()).await.goodput();
            let bare_process = bare.process.id();
            let (service, bare) = (&server.api, &bare.address);
            let mut job = [(HALF, service, 0.5, false), (SWAPPED, service, 0.5, true), (BARE, bare, 0.5, false), (TWICE, service, 2.0, false)];
            // Alternates the order of the two compared loads.
            if round % 2 == 1 {
                job.swap(0, 1);
            }
            let mut loads: [Load; 4] = Default::default();
            for (at, address, times, swapped) in job {
                // Swaps as the trainer does: the service finds the new model itself.
                let (registry, market, version) = (registry.clone(), market.clone(), versions[round % 2].clone());
                let swap = swapped.then(|| {
                    std::thread::spawn(move || {
                        std::thread::sleep(Duration::from_secs_f64(SECONDS / 3.0));
                        registry.set_current(&market, &version, false).unwrap();
                    })
                });
                let waits = Waits::of(&[std::process::id(), if at == BARE { bare_process } else { server.process.id() }]);
                loads[at] = open(address, requests.clone(), before * times, waits).await;
                swap.into_iter().for_each(|swap| swap.join().unwrap());
            }
            last = closed(&server.api, requests.clone()).await.goodput();
            half = loads[HALF].quantile(0.99);
            for ((quiet, all), load) in quiet.iter_mut().zip(&loads) {
                quiet.answered.extend(load.quiet());
                *all += load.answered.len();
            }
            for (rounds, mut load) in rounds.iter_mut().zip(loads) {
                rounds.push(load.figures(f64::midpoint(before, last), half));
            }
        }
        for (name, rounds) in ["half", "the same of a bare handler", "half, and a swap", "twice"].iter().zip(&mut rounds) {
            say(name, rounds);
        }
        for (name, times) in [("ten times", 10.0), ("half again", 0.5)] {
            let mut load = open(&server.api, requests.clone(), last * times, Waits::of(&[])).await;
            say(name, &mut [load.figures(last, half)]);
        }
        // A sustained queue, and the cost of a refusal: as much as an answer of the bare handler.
        let capacity = closed(&server.api, requests.clone()).await.goodput();
        let refusal = capacity / closed(&bare.address, requests.clone()).await.goodput();
        let mut standing =
            open_for(STANDING_SECONDS, &server.api, requests.clone(), 2.0 * capacity, Waits::of(&[])).await;
        let capacity = f64::midpoint(capacity, closed(&server.api, requests.clone()).await.goodput());
        say("twice, ten seconds", &mut [standing.figures(capacity, half)]);
        let left = (1.0 - 2.0 * refusal) / (1.0 - refusal);
        println!(
            "\na refusal costs {refusal:.3} of an answer, which leaves {left:.2} of capacity at twice the load; answered: {:.2}, \
             {:.2} of that",
            standing.goodput() / capacity,
            standing.goodput() / capacity / left
        );
        println!("\n| load, while nobody else was on a processor | of its answers | p50 ms | p99 ms | p99.9 ms |");
        println!("| --- | --- | --- | --- | --- |");
        for (name, (quiet, all)) in ["half", "the same of a bare handler"].iter().zip(&mut quiet) {
            let share = quiet.answered.len() as f64 / *all as f64;
            say(name, &mut [vec![share, quiet.quantile(0.5), quiet.quantile(0.99), quiet.quantile(0.999)]]);
        }
    });
    drop(server);
    pin(std::process::id(), "0-1023");
    no_overload(&config, &Rc::new(self::requests(&market, &registry)), &runtime);
}
