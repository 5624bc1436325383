//! The exposure log: what was shown, in files of JSON lines, to learn from.
//!
//! A request queues its exposure and does not wait; a separate thread writes. If it cannot keep up, or the disk is
//! full, exposures are dropped and counted.

mod exposure;
mod files;
mod writer;

use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context;
use uuid::Uuid;

use crate::config::ExposureConfig;
use crate::live::CustomerHash;
use crate::metrics;
use exposure::{Erased, PSEUDONYM_LENGTH};
use writer::{Message, Writer};

pub use exposure::Exposure;

/// Maximum number of exposures in the queue.
const QUEUE_CAPACITY: usize = 4096;

/// The exposure log; disabled by default.
#[derive(Clone, Debug, Default)]
pub struct Exposures(Option<Arc<Log>>);

#[derive(Debug)]
struct Log {
    sender: SyncSender<Message>,
    /// Keys the customers' hashes.
    key: [u8; 32],
    writer: Mutex<Option<JoinHandle<()>>>,
    erased: Arc<Mutex<Erased>>,
}

impl Exposures {
    /// Opens the log.
    ///
    /// # Errors
    /// If its folder can't be created or its key can't be read.
    pub fn open(config: &ExposureConfig) -> anyhow::Result<Self> {
        let words = || format!("server.exposures.folder: {} cannot be used", config.folder.display());
        std::fs::create_dir_all(&config.folder).with_context(words)?;
        let key = key(&config.folder).with_context(words)?;
        let (sender, receiver) = sync_channel(QUEUE_CAPACITY);
        let erased = Arc::default();
        let writer = Writer::new(config, receiver, Arc::clone(&erased));
        let writer = std::thread::Builder::new().name("exposures".into()).spawn(move || writer.run())?;
        Ok(Self(Some(Arc::new(Log { sender, key, writer: Mutex::new(Some(writer)), erased }))))
    }

    /// Whether the log is enabled.
    pub fn wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Queues an exposure. Never blocks.
    pub fn add(&self, exposure: Exposure) {
        let Some(log) = &self.0 else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            log.sender.try_send(Message::Shown(Box::new(exposure)))
        {
            metrics::exposures_dropped("queue", 1);
        }
    }

    /// The pseudonym of a customer in the log. It differs between markets, where the same ID may be another person.
    pub fn name(&self, market: &str, customer: CustomerHash) -> Option<String> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0.as_ref()?.key);
        hasher.update(customer.as_bytes()).update(market.as_bytes());
        Some(hasher.finalize().to_hex()[..PSEUDONYM_LENGTH].to_owned())
    }

    /// Removes the exposures of customers from the log, in the background. From now on, theirs are logged as anonymous.
    pub fn erase(&self, market: &str, customers: impl IntoIterator<Item = CustomerHash>) {
        // Not through the queue, which may be full: an erasure must not be lost.
        if let Some(log) = &self.0 {
            let mut erased = log.erased.lock().unwrap_or_else(PoisonError::into_inner);
            for name in customers.into_iter().filter_map(|customer| self.name(market, customer)) {
                if erased.all.insert(name.clone()) {
                    erased.pending.push(name);
                }
            }
        }
    }

    /// Writes the queued exposures, and stops the thread.
    pub fn close(&self) {
        let Some(log) = &self.0 else { return };
        let writer = log.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = log.sender.send(Message::Close);
            let _ = writer.join();
        }
    }
}

/// The key of a folder, created at first use. With it, the lines of a customer can be found by the ID; without it they
/// cannot.
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
    // An incomplete or empty key could be guessed.
    anyhow::ensure!(
        text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit()),
        "{} holds no key of 64 hexadecimal digits: remove it if there is no log yet, or put back the one that there was",
        path.display()
    );
    Ok(blake3::derive_key("trolley 2026 exposures customers", text.as_bytes()))
}
