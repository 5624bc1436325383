//! What pushed baskets cost: an answer for a customer with newer baskets, the memory and opening time of a million
//! customers with baskets, and the answers while 5,000 baskets of ten lines are pushed each second in calls of 100.
//!
//! `cargo run --release -- demo --no-serve`, then `cargo bench -p trolley --no-default-features --bench baskets`.
//! `TROLLEY_CUSTOMERS` is the number of customers of the second part.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "../tests/common/server.rs"]
mod server;

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use server::Server;
use trolley::exposures::Exposures;
use trolley::live::{Basket, ItemQuery, Market, Markets, StateSync};
use trolley::store::{BasketLine, Store};
use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lines of a basket.
const LINES: usize = 10;

/// Baskets of a call, and per second.
const CALL: usize = 100;
const PER_SECOND: usize = 5000;

fn main() {
    if let Ok(folder) = std::env::var("TROLLEY_OPEN") {
        return open(&folder);
    }
    let models = std::env::var("TROLLEY_MODELS").unwrap_or_else(|_| "trolley-demo/models".into());
    let registry = ModelRegistry::new(&models);
    let market = registry.markets().unwrap().remove(0);
    let opened = registry.open(&market, &registry.current(&market).unwrap()).unwrap();
    let items: Vec<String> = (0..opened.model.catalogue().bought()).map(|at| item(&opened.model, at)).collect();
    let customers: Vec<String> = opened.model.histories().customers().iter().map(str::to_owned).collect();
    let end = i64::from(opened.model.end()) * 86_400;
    drop(opened);
    let shop = Shop { models, market, items, customers, end };
    shop.answers();
    shop.many_customers();
    shop.under_load();
}

fn item(model: &trolley_model::Model, at: u32) -> String {
    model.catalogue().items().get(at).to_owned()
}

/// Opens a service, and prints the seconds that it took and the megabytes of memory.
fn open(folder: &str) {
    let models = std::env::var("TROLLEY_MODELS").unwrap();
    let market = ModelRegistry::new(&models).markets().unwrap().remove(0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let began = Instant::now();
    let (_state_sync, market) = runtime.block_on(service(&models, &market, Path::new(folder)));
    assert!(market.snapshot().is_some());
    println!("{} {}", began.elapsed().as_secs_f64(), resident());
}

async fn service(models: &str, market: &Name, folder: &Path) -> (StateSync, Arc<Market>) {
    let markets = Arc::new(Markets::new(ModelRegistry::new(models), []));
    let store = Store::open(&format!("sqlite:{}/state.sqlite", folder.display())).await.unwrap();
    markets.look();
    let state_sync = StateSync::new(store, markets.clone(), Exposures::default()).await.unwrap();
    markets.open();
    (state_sync, markets.get(market.as_str()).unwrap())
}

/// A model and its IDs.
struct Shop {
    models: String,
    market: Name,
    items: Vec<String>,
    customers: Vec<String>,
    /// The end of the model's period in Unix seconds.
    end: i64,
}

impl Shop {
    fn item(&self, number: usize) -> &str {
        &self.items[number * 7919 % self.items.len()]
    }

    fn basket(&self, number: usize, customer: &str) -> Basket {
        let line = |at| BasketLine { item: self.item(number * 31 + at).to_owned(), quantity: Some(1.0), price: None };
        Basket {
            id: format!("b{number}"),
            customer: Some(customer.to_owned()),
            time: self.end + (number % 10) as i64 * 86_400,
            lines: (0..LINES).map(line).collect(),
        }
    }

    async fn service(&self, folder: &Path) -> (StateSync, Arc<Market>) {
        service(&self.models, &self.market, folder).await
    }

    /// Microseconds of an answer for a known customer: the minimum of several passes over the same questions.
    fn microseconds(&self, market: &Market) -> f64 {
        const QUESTIONS: usize = 400;
        let snapshot = market.snapshot().unwrap();
        let questions: Vec<([String; 1], &String)> = (0..QUESTIONS)
            .map(|n| ([self.item(n).to_owned()], &self.customers[n * 104_729 % self.customers.len()]))
            .collect();
        let pass = |_| {
            let began = Instant::now();
            for (items, customer) in &questions {
                black_box(snapshot.bought_together(&ItemQuery { customer: Some(customer), ..ItemQuery::of(items, 6) }));
            }
            began.elapsed().as_secs_f64() * 1e6 / QUESTIONS as f64
        };
        (0..20).map(pass).fold(f64::INFINITY, f64::min)
    }

    /// Answers without pushed baskets, for customers without any while others have some, and with 20 each.
    fn answers(&self) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (state_sync, market) = runtime.block_on(self.service(folder.path()));
        let none = self.microseconds(&market);
        let others: Vec<Basket> = (0..1000).map(|n| self.basket(n, &format!("other-{n}"))).collect();
        runtime.block_on(state_sync.put_baskets(&market, &others)).unwrap();
        let beside = self.microseconds(&market);
        let mut number = 1000;
        for _ in 0..20 {
            for customers in self.customers.chunks(1000) {
                let baskets: Vec<Basket> = customers
                    .iter()
                    .map(|customer| {
                        number += 1;
                        self.basket(number, customer)
                    })
                    .collect();
                runtime.block_on(state_sync.put_baskets(&market, &baskets)).unwrap();
            }
        }
        let with = self.microseconds(&market);
        println!("| bought together, customer known | µs | times that without |\n| --- | --- | --- |");
        for (what, micros) in [("no pushed baskets", none), ("others have baskets", beside), ("20 baskets each", with)]
        {
            println!("| {what} | {micros:.1} | {:.2} |", micros / none);
        }
    }

    /// Memory and opening time of many customers with a basket each.
    fn many_customers(&self) {
        let customers: usize = std::env::var("TROLLEY_CUSTOMERS").map_or(1_000_000, |number| number.parse().unwrap());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let began = Instant::now();
        runtime.block_on(async {
            let (state_sync, market) = self.service(folder.path()).await;
            for first in (0..customers).step_by(1000) {
                let baskets: Vec<Basket> =
                    (first..customers.min(first + 1000)).map(|n| self.basket(n, &format!("customer-{n}"))).collect();
                state_sync.put_baskets(&market, &baskets).await.unwrap();
            }
        });
        let pushed = began.elapsed().as_secs_f64();
        // In processes of their own, so that memory which the allocator keeps does not count.
        let opened = |folder: &Path| {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            let output = child.env("TROLLEY_OPEN", folder).env("TROLLEY_MODELS", &self.models).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
            (numbers[0], numbers[1])
        };
        let (seconds, memory) = opened(folder.path());
        let (_, without) = opened(tempfile::tempdir().unwrap().path());
        println!(
            "\n{customers} customers with a basket of {LINES} lines each: pushed in calls of 1,000 at {:.0} baskets a second; \
             opened in {seconds:.1} s; {:.0} bytes of memory per customer",
            customers as f64 / pushed,
            (memory - without) * 1e6 / customers as f64
        );
    }

    /// Answers at half of the capacity, with and without pushes.
    fn under_load(&self) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("trolley.toml");
        let text = format!(
            "models = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nstate = \"sqlite:{}/s.sqlite\"\n",
            std::path::absolute(&self.models).unwrap().display(),
            folder.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let server = Server::start(config.to_str().unwrap());
        server.wait_for("/health/ready", |status, _| status == 200);
        let question = |n: usize| {
            let customer = &self.customers[n * 104_729 % self.customers.len()];
            format!("/v1/markets/{}/items/{}/bought-together?customer={customer}", self.market, self.item(n))
        };
        let mut client = Client::new(&server.api);
        let began = Instant::now();
        let mut answered = 0;
        while began.elapsed() < Duration::from_secs(2) {
            client.send("GET", &question(answered), "");
            answered += 1;
        }
        // One connection in a closed loop keeps one processor busy; pushes and clients need the other.
        let rate = answered as f64 / 2.0 / 2.0;
        println!("\n| {rate:.0} questions a second | p50 ms | p99 ms | baskets a second |\n| --- | --- | --- | --- |");
        let mut p99 = [Vec::new(), Vec::new()];
        for round in 0..3 {
            for pushing in [false, true] {
                let (pushed, ended) = (AtomicU64::new(0), AtomicBool::new(false));
                let (mut times, seconds) = (Vec::new(), 5.0);
                let bodies = if pushing { self.bodies(round) } else { Vec::new() };
                std::thread::scope(|scope| {
                    if pushing {
                        let (pushed, ended, api, bodies) = (&pushed, &ended, server.api.clone(), &bodies);
                        scope.spawn(move || self.push(&api, bodies, pushed, ended));
                    }
                    times = paced(&server.api, rate, seconds, question);
                    ended.store(true, Ordering::Relaxed);
                });
                times.sort_by(f64::total_cmp);
                let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] * 1e3;
                let baskets = pushed.load(Ordering::Relaxed) as f64 / seconds;
                p99[usize::from(pushing)].push(at(0.99));
                println!(
                    "| {} | {:.2} | {:.2} | {baskets:.0} |",
                    if pushing { "pushes" } else { "quiet" },
                    at(0.5),
                    at(0.99)
                );
            }
        }
        let [quiet, pushes] = p99.map(|mut all| {
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        });
        println!("\np99 with pushes is {:.2} times that without (medians)", pushes / quiet);
    }

    /// Pushes baskets at their rate until told to end.
    fn push(&self, api: &str, bodies: &[String], pushed: &AtomicU64, ended: &AtomicBool) {
        let mut client = Client::new(api);
        let began = Instant::now();
        for (call, body) in bodies.iter().enumerate() {
            let due = Duration::from_secs_f64((call * CALL) as f64 / PER_SECOND as f64);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            if ended.load(Ordering::Relaxed) {
                return;
            }
            client.send("POST", &format!("/v1/markets/{}/baskets", self.market), body);
            pushed.fetch_add(CALL as u64, Ordering::Relaxed);
        }
    }

    /// The bodies of the calls of a round, made beforehand, so that the client takes little time of the processors.
    fn bodies(&self, round: usize) -> Vec<String> {
        let body = |call: usize| {
            let mut body = String::from("{\"baskets\":[");
            for number in call * CALL..(call + 1) * CALL {
                // One in ten is a customer whom the questions are about.
                let customer = match number % 10 {
                    0 => self.customers[number / 10 * 31 % self.customers.len()].clone(),
                    _ => format!("customer-{}", number % 100_000),
                };
                let time = chrono::DateTime::from_timestamp(self.end + 60, 0).unwrap().to_rfc3339();
                let comma = if number % CALL == 0 { "" } else { "," };
                write!(
                    body,
                    "{comma}{{\"id\":\"{round}-{number}\",\"customer\":\"{customer}\",\"time\":\"{time}\",\"items\":["
                )
                .unwrap();
                for at in 0..LINES {
                    let comma = if at == 0 { "" } else { "," };
                    write!(body, "{comma}{{\"id\":\"{}\",\"quantity\":1}}", self.item(number * 31 + at)).unwrap();
                }
                body.push_str("]}");
            }
            body.push_str("]}");
            body
        };
        (0..6 * PER_SECOND / CALL).map(body).collect()
    }
}

/// Sends questions at a rate from four connections. Returns the seconds of each, from when it was due.
fn paced(api: &str, rate: f64, seconds: f64, question: impl Fn(usize) -> String + Sync) -> Vec<f64> {
    const CLIENTS: usize = 4;
    let began = Instant::now();
    let client = |of: usize| {
        let (mut client, mut times) = (Client::new(api), Vec::new());
        for number in (of..).step_by(CLIENTS) {
            let due = number as f64 / rate;
            if due > seconds {
                return times;
            }
            std::thread::sleep(Duration::from_secs_f64(due).saturating_sub(began.elapsed()));
            client.send("GET", &question(number), "");
            times.push(began.elapsed().as_secs_f64() - due);
        }
        times
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|of| scope.spawn(move || client(of))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// A connection that stays open.
struct Client(TcpStream, Vec<u8>);

impl Client {
    fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream, Vec::new())
    }

    /// Sends a request, which must be answered with 200.
    fn send(&mut self, method: &str, path: &str, body: &str) {
        let Self(stream, answer) = self;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        answer.clear();
        let mut buffer = [0; 16_384];
        loop {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "the connection was closed");
            answer.extend_from_slice(&buffer[..read]);
            let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&answer[..end]).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if answer.len() >= end + 4 + length.unwrap_or(0) {
                let answer = String::from_utf8_lossy(answer);
                assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
                return;
            }
        }
    }
}

/// Resident memory of this process in megabytes; 0 without `/proc`.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * 4096.0 / 1e6
}
