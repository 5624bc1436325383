//! What was shown, written down for whoever learns from it: a file of JSON lines after the other.
//!
//! An answer hands over what it showed and goes its way; a thread of its own writes. When it can't keep up, or the disk
//! is full, answers are not written down, and counted.

mod files;
mod writer;

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::ExposureConfig;
use crate::live::CustomerHash;
use crate::metrics;
use writer::{Message, Writer};

/// Answers that wait to be written down, at the most.
const WAITING: usize = 4096;

/// Length of a customer's name in the log, in hexadecimal digits.
const NAME: usize = 32;

/// What was shown in one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// When.
    pub at: DateTime<Utc>,
    /// The answer's own name.
    pub recommendation_id: Uuid,
    /// The market.
    pub market: String,
    /// A keyed hash of the customer's ID: the same for the same customer, and nothing that leads back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer: Option<String>,
    /// What was asked.
    pub question: String,
    /// The items asked about.
    pub query: Vec<String>,
    /// The items or offers shown, by their position.
    pub items: Vec<String>,
    /// The version of the model.
    pub model: String,
    /// The variant of an experiment.
    pub variant: String,
}

/// The log; by default there is none.
#[derive(Clone, Debug, Default)]
pub struct Exposures(Option<Arc<Log>>);

#[derive(Debug)]
struct Log {
    sender: SyncSender<Message>,
    /// What customers' hashes are keyed with.
    key: [u8; 32],
    writer: Mutex<Option<JoinHandle<()>>>,
    erased: Arc<Mutex<Erased>>,
}

/// Customers who are not in the log, by their names in it.
#[derive(Debug, Default)]
struct Erased {
    /// What is shown to them is shown to nobody.
    all: HashSet<String>,
    /// Whose lines are still to be taken out.
    pending: Vec<String>,
}

impl Exposures {
    /// Opens the log.
    ///
    /// # Errors
    /// If its folder can't be made or its key not be read.
    pub fn open(config: &ExposureConfig) -> anyhow::Result<Self> {
        let words = || format!("server.exposures.folder: {} cannot be used", config.folder.display());
        std::fs::create_dir_all(&config.folder).with_context(words)?;
        let key = key(&config.folder).with_context(words)?;
        let (sender, receiver) = sync_channel(WAITING);
        let erased = Arc::default();
        let writer = Writer::new(config, receiver, Arc::clone(&erased));
        let writer = std::thread::Builder::new().name("exposures".into()).spawn(move || writer.run())?;
        Ok(Self(Some(Arc::new(Log { sender, key, writer: Mutex::new(Some(writer)), erased }))))
    }

    /// Whether anything is written down.
    pub fn wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Hands over what was shown. Never waits.
    pub fn add(&self, exposure: Exposure) {
        let Some(log) = &self.0 else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            log.sender.try_send(Message::Shown(Box::new(exposure)))
        {
            metrics::exposures_dropped("queue", 1);
        }
    }

    /// The name of a market's customer in the log. The same ID may be another person in another market.
    pub fn name(&self, market: &str, customer: CustomerHash) -> Option<String> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0.as_ref()?.key);
        hasher.update(customer.as_bytes()).update(market.as_bytes());
        Some(hasher.finalize().to_hex()[..NAME].to_owned())
    }

    /// Takes all that was shown to some customers out of the log, in the background; what is shown to them from now on
    /// is written down as shown to nobody.
    pub fn erase(&self, market: &str, customers: impl IntoIterator<Item = CustomerHash>) {
        // Not by the queue, which may be full: this must not be lost.
        if let Some(log) = &self.0 {
            let mut erased = log.erased.lock().unwrap_or_else(PoisonError::into_inner);
            for name in customers.into_iter().filter_map(|customer| self.name(market, customer)) {
                if erased.all.insert(name.clone()) {
                    erased.pending.push(name);
                }
            }
        }
    }

    /// Writes down what is waiting, and ends.
    pub fn close(&self) {
        let Some(log) = &self.0 else { return };
        let writer = log.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = log.sender.send(Message::Close);
            let _ = writer.join();
        }
    }
}

/// The key of a folder, made when it is first used. Whoever has it can tell whether a line is of a customer whose ID
/// they know; without it nobody can.
fn key(folder: &Path) -> anyhow::Result<[u8; 32]> {
    let path = folder.join("key");
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            files::write_privately(&path, &text)?;
            text
        }
        text => text?,
    };
    let text = text.trim();
    // Half a key, or none, would be one that anybody can guess.
    anyhow::ensure!(
        text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit()),
        "{} holds no key of 64 hexadecimal digits: remove it if there is no log yet, or put back the one that there was",
        path.display()
    );
    Ok(blake3::derive_key("trolley 2026 exposures customers", text.as_bytes()))
}
