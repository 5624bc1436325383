//! The whole way: tables in, a published model out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use trolley_model::artefact::{ArtefactError, DataFacts, Draft, Manifest, Shelf};
use trolley_model::{BadName, Name};

use crate::config::TrainingConfig;
use crate::fit::fit;
use crate::input::{self, InputConfig, InputError, Items, NOBODY, Rejects, Transactions};
use crate::progress::Progress;

/// What is to be trained, and where the model goes.
#[derive(Debug)]
pub struct Order<'a> {
    /// The market.
    pub market: &'a Name,
    /// Its tables.
    pub input: &'a InputConfig,
    /// How to train.
    pub config: &'a TrainingConfig,
    /// Where to publish.
    pub shelf: &'a Shelf,
    /// Where to write the rows that are rejected.
    pub rejects: PathBuf,
    /// The time of the training: it names the version.
    pub now: DateTime<Utc>,
    /// Transactions later than this are rejected.
    pub latest: DateTime<Utc>,
    /// Threads to train on; 0 for all processors.
    pub threads: usize,
}

/// Why no model was published.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TrainError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    #[error("{0}")]
    Setting(String),
    #[error("the model cannot be made: {0}; if numbers ran away, lower training.skipgram.learning_rate")]
    Fit(String),
    #[error("the training config cannot be stored: {0}")]
    Config(#[from] serde_json::Error),
    #[error("no name for the new version: {0}")]
    Name(#[from] BadName),
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// The tables of a market as they were read.
#[derive(Debug)]
pub struct Tables {
    /// The baskets.
    pub transactions: Transactions,
    /// The items table, empty if there is none.
    pub items: Items,
    /// The rows that were rejected.
    pub rejects: Rejects,
}

impl Tables {
    /// Refuses tables of which too large a share was rejected.
    ///
    /// # Errors
    /// [`InputError::TooManyRejects`]
    pub fn judge(&self, limit: f64) -> Result<(), InputError> {
        self.rejects.judge("items", self.items.read, limit)?;
        self.rejects.judge("transactions", self.transactions.read - self.transactions.other_markets, limit)
    }
}

/// Reads a market's items and transactions. Transactions later than `latest` are rejected.
///
/// # Errors
/// As [`input::read_transactions`]. Whether too many rows were rejected is for [`Tables::judge`] to say.
pub fn read(
    market: &Name,
    input: &InputConfig,
    rejects: &Path,
    latest: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<Tables, InputError> {
    progress.begin("reading", 2);
    let mut rejects = Rejects::to_file(rejects)?;
    let items = match &input.items {
        Some(items) => input::read_items(items, &input.columns.items, &input.exclude, &mut rejects)?,
        None => Items::default(),
    };
    progress.advance(1);
    let latest = latest.timestamp();
    let transactions = input::read_transactions(input, market.as_str(), latest, &items, &mut rejects)?;
    progress.advance(1);
    progress.end();
    Ok(Tables { transactions, items, rejects })
}

/// Reads, trains and publishes.
///
/// # Errors
/// [`TrainError`]; then the model in service stays what it was.
pub fn train(order: &Order<'_>, progress: &dyn Progress) -> Result<Manifest, TrainError> {
    order.config.check().map_err(TrainError::Setting)?;
    let tables = read(order.market, order.input, &order.rejects, order.latest, progress)?;
    tables.judge(order.input.max_rejected)?;
    let Tables { transactions, items, rejects } = tables;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(order.threads).build()?;
    let parts = pool
        .install(|| fit(&transactions, transactions.baskets.len(), &items, order.config, progress))
        .and_then(|parts| parts.check().map(|()| parts))
        .map_err(TrainError::Fit)?;
    let day = |day: u16| (NaiveDate::default() + chrono::Days::new(u64::from(day))).to_string();
    let data = DataFacts {
        fingerprint: fingerprint(&transactions, &items),
        first_day: transactions.baskets.first().map_or_else(String::new, |basket| day(basket.day)),
        last_day: transactions.baskets.last().map_or_else(String::new, |basket| day(basket.day)),
        rows: transactions.read,
        rejected: rejects.counts("transactions"),
        baskets: transactions.baskets.len() as u64,
        items: parts.catalogue.items().len() as u64,
        learned_items: parts.input.len() as u64,
        customers: parts.histories.customers().len() as u64,
    };
    drop(transactions);
    progress.begin("publishing", 1);
    let manifest = order.shelf.publish(&Draft {
        market: order.market.clone(),
        version: new_version(order)?,
        created_at: order.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        data,
        config: serde_json::to_value(order.config)?,
        evaluation: BTreeMap::new(),
        parts: &parts,
    })?;
    progress.end();
    Ok(manifest)
}

/// The time, in the letters of a name; with a number behind it if a model was made in that second already.
fn new_version(order: &Order<'_>) -> Result<Name, TrainError> {
    let time = order.now.format("%Y-%m-%dt%H-%M-%Sz").to_string();
    let versions = order.shelf.versions(order.market)?;
    let mut name = Name::new(&time)?;
    let mut number = 1;
    while versions.contains(&name) {
        number += 1;
        name = Name::new(&format!("{time}-{number}"))?;
    }
    Ok(name)
}

/// BLAKE3 over the baskets and items as they were understood; the layout of the files does not change it.
fn fingerprint(transactions: &Transactions, items: &Items) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for (number, basket) in transactions.baskets.iter().enumerate() {
        add(&basket.day.to_string());
        add(if basket.customer == NOBODY { "" } else { transactions.customers.get(basket.customer) });
        let mut ids: Vec<&str> =
            transactions.items_of(number).iter().map(|&item| transactions.items.get(item)).collect();
        ids.sort_unstable();
        ids.into_iter().for_each(&mut add);
    }
    let mut rows: Vec<_> = items.iter().collect();
    rows.sort_unstable_by_key(|(id, _)| *id);
    for (id, item) in rows {
        add(id);
        add(item.category.as_deref().unwrap_or(""));
        add(&item.name);
    }
    hasher.finalize().to_hex().to_string()
}
