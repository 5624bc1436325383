//! Trolley's side of `benches/peers`: trains the embeddings and the factors alone, on the baskets that a peer gets too,
//! and measures the times. Not a test: `benches/peers/run` calls it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use trolley_model::Vectors;
use trolley_model::ials::IalsConfig;

use crate::baskets::catalogue_and_baskets;
use crate::config::{SkipGramConfig, TrainingConfig};
use crate::evaluation::complete_journey;
use crate::histories::histories;
use crate::ials::{ials, observed};
use crate::progress::Silent;
use crate::skipgram::skip_gram;

/// Number of days at the end on which the vectors are evaluated.
const JUDGED_DAYS: u16 = 31;

fn folder() -> PathBuf {
    std::env::var_os("TROLLEY_PEERS").expect("TROLLEY_PEERS names a folder").into()
}

/// A setting from the environment.
fn setting<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Writes numbers of four bytes each, little-endian.
fn write(folder: &Path, file: &str, numbers: impl IntoIterator<Item = [u8; 4]>) {
    fs::write(folder.join(file), numbers.into_iter().flatten().collect::<Vec<u8>>()).unwrap();
}

fn whole(numbers: &[u32]) -> impl Iterator<Item = [u8; 4]> {
    numbers.iter().map(|number| number.to_le_bytes())
}

fn write_vectors(folder: &Path, file: &str, vectors: &Vectors) {
    let row = |row: u32| vectors.unit(row).iter().map(move |value| (value * vectors.norm(row)).to_le_bytes());
    write(folder, file, (0..vectors.len() as u32).flat_map(row));
}

/// Runs both learners, and writes their inputs, their results and the times.
#[test]
#[ignore = "called by benches/peers/run"]
fn learners() {
    let folder = folder();
    let tables = complete_journey();
    let (transactions, items) = (&tables.transactions, &tables.items);
    let end = transactions.baskets.last().unwrap().day + 1;
    let until = transactions.before(end - JUDGED_DAYS);
    let config = TrainingConfig::default();
    let (catalogue, baskets) =
        catalogue_and_baskets(transactions, until, items, config.recent_days, config.min_baskets).unwrap();
    let histories =
        histories(&baskets, catalogue.items().len(), config.half_life_days, config.last_baskets, None).unwrap();
    let threads = setting("TROLLEY_PEERS_THREADS", 1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let counts = &catalogue.all_baskets()[..baskets.learned];
    let skipgram = SkipGramConfig {
        dims: setting("TROLLEY_PEERS_DIMS", 64),
        epochs: setting("TROLLEY_PEERS_EPOCHS", 5),
        negatives: setting("TROLLEY_PEERS_NEGATIVES", 5.0),
        power: setting("TROLLEY_PEERS_POWER", 0.75),
        ..SkipGramConfig::default()
    };
    let factors = IalsConfig {
        dims: setting("TROLLEY_PEERS_FACTORS", 64),
        iterations: setting("TROLLEY_PEERS_ITERATIONS", 15),
        ..IalsConfig::default()
    };

    let began = Instant::now();
    let (input, output, _) = pool.install(|| skip_gram(baskets.sample(), counts, &skipgram, 1, &Silent));
    let embedding_seconds = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let (item_factors, customer_factors) = pool.install(|| ials(&histories, baskets.learned, &factors, 1, &Silent));
    let factor_seconds = began.elapsed().as_secs_f64();

    let sample = baskets.sample();
    let learned = |basket: u32| sample.learned_items(basket, baskets.learned);
    let lengths: Vec<u32> = (0..sample.len() as u32).map(|basket| learned(basket).len() as u32).collect();
    let lines: Vec<u32> =
        (0..sample.len() as u32).flat_map(|basket| learned(basket).iter().map(|item| item.0)).collect();
    write(&folder, "baskets.lengths.u32", whole(&lengths));
    write(&folder, "baskets.lines.u32", whole(&lines));
    write(&folder, "counts.u32", whole(counts));
    // Evaluation cases: the first learned item of a basket is the query, the others are relevant.
    let mut cases: Vec<Vec<u32>> = Vec::new();
    for basket in until..transactions.baskets.len() {
        let learned = transactions.items_of(basket).iter().filter_map(|&item| {
            let item = catalogue.position(transactions.items.get(item))?;
            (item.index() < baskets.learned).then_some(item.0)
        });
        let learned: Vec<u32> = learned.collect();
        if learned.len() > 1 {
            cases.push(learned);
        }
    }
    write(&folder, "cases.lengths.u32", cases.iter().map(|case| (case.len() as u32).to_le_bytes()));
    write(&folder, "cases.lines.u32", whole(&cases.concat()));
    let matrix = observed(&histories, baskets.learned, factors.repeats);
    let rows: Vec<u32> = (0..matrix.rows.len() as u32).map(|row| matrix.rows.range(row).len() as u32).collect();
    write(&folder, "matrix.lengths.u32", whole(&rows));
    write(&folder, "matrix.columns.u32", whole(&matrix.columns));
    write(&folder, "matrix.weights.f32", matrix.weights.iter().map(|weight| weight.to_le_bytes()));
    write_vectors(&folder, "input.f32", &input);
    write_vectors(&folder, "output.f32", &output);
    write_vectors(&folder, "items.f32", &item_factors);
    write_vectors(&folder, "customers.f32", &customer_factors);
    let pairs: u64 = lengths.iter().map(|&n| u64::from(n) * u64::from(n.saturating_sub(1))).sum();
    let facts = serde_json::json!({
        "skip_gram": {"seconds": embedding_seconds, "pairs": pairs * skipgram.epochs as u64, "config": skipgram},
        "ials": {"seconds": factor_seconds, "config": factors},
        "threads": threads, "items": baskets.learned, "customers": baskets.customers.len(),
    });
    fs::write(folder.join("trolley.json"), facts.to_string()).unwrap();
}
