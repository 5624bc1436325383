use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::exposure::{Erased, Exposure};
use super::files;
use crate::config::ExposureConfig;
use crate::metrics;

/// Number of buffered bytes from which lines are written.
const FLUSH_BYTES: usize = 64 << 10;
/// Maximum time that lines are buffered.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// A message to the writer.
pub(super) enum Message {
    Shown(Box<Exposure>),
    Close,
}

/// The thread that writes the log.
pub(super) struct Writer {
    folder: PathBuf,
    largest: u64,
    most: usize,
    receiver: Receiver<Message>,
    /// The current file, and its length in bytes.
    file: Option<(File, u64)>,
    /// Buffered lines, and their number.
    lines: Vec<u8>,
    count: u64,
    written: Instant,
    /// Whether the last write failed, so that a failure is logged once.
    failing: bool,
    erased: Arc<Mutex<Erased>>,
    /// The thread that removes lines from the older files.
    taking_out: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn new(config: &ExposureConfig, receiver: Receiver<Message>, erased: Arc<Mutex<Erased>>) -> Self {
        Self {
            folder: config.folder.clone(),
            largest: config.megabytes << 20,
            most: config.files,
            receiver,
            file: None,
            lines: Vec::new(),
            count: 0,
            written: Instant::now(),
            failing: false,
            erased,
            taking_out: None,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            match self.receiver.recv_timeout(FLUSH_INTERVAL) {
                Ok(Message::Shown(mut exposure)) => {
                    // Checked here, not when it was queued: the customer may have been erased since.
                    let erased = self.erased.lock().unwrap_or_else(PoisonError::into_inner);
                    exposure.customer.take_if(|customer| erased.all.contains(customer));
                    drop(erased);
                    if serde_json::to_writer(&mut self.lines, &exposure).is_ok() {
                        self.lines.push(b'\n');
                        self.count += 1;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => {
                    self.write();
                    self.end_taking_out();
                    self.take_out();
                    self.end_taking_out();
                    return;
                }
            }
            if self.lines.len() >= FLUSH_BYTES || self.written.elapsed() >= FLUSH_INTERVAL {
                self.write();
                self.take_out();
            }
        }
    }

    /// Writes the buffered lines. Those that cannot be written are counted and dropped, so that memory stays bounded.
    fn write(&mut self) {
        self.written = Instant::now();
        if self.count == 0 {
            return;
        }
        let result = self.append();
        match &result {
            Ok(()) => metrics::exposures_written(self.count),
            Err(error) => {
                metrics::exposures_dropped("disk", self.count);
                if !self.failing {
                    tracing::error!(%error, "what was shown cannot be written down");
                }
                self.file = None;
            }
        }
        self.failing = result.is_err();
        self.lines.clear();
        self.count = 0;
    }

    fn append(&mut self) -> io::Result<()> {
        let (file, length) = match &mut self.file {
            Some(open) => open,
            none => none.insert(files::open(&self.folder, self.largest, self.most)?),
        };
        if let Err(error) = file.write_all(&self.lines) {
            // Half a line would corrupt the next one.
            let _ = file.set_len(*length);
            return Err(error);
        }
        *length += self.lines.len() as u64;
        if *length >= self.largest {
            self.file = None;
        }
        Ok(())
    }

    /// Removes the lines of erased customers; failures are retried. A separate thread rewrites the older files, so that
    /// lines are still written meanwhile: after a start, all files are searched for all customers ever erased.
    fn take_out(&mut self) {
        if self.taking_out.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let names = self.erased.lock().unwrap_or_else(PoisonError::into_inner).pending.clone();
        if names.is_empty() {
            return;
        }
        // The newest file is rewritten here, on the only thread that appends to it.
        self.file = None;
        let without_newest = files::files(&self.folder).and_then(|mut files| {
            let newest = files.split_off(files.len().saturating_sub(1));
            files::without(&newest, &names).map(|()| files)
        });
        let erased = Arc::clone(&self.erased);
        let rest = move || match without_newest.and_then(|older| files::without(&older, &names)) {
            Ok(()) => {
                let names: HashSet<String> = names.into_iter().collect();
                let mut erased = erased.lock().unwrap_or_else(PoisonError::into_inner);
                erased.pending.retain(|name| !names.contains(name));
            }
            Err(error) => tracing::error!(%error, "a customer cannot be taken out of the exposures yet"),
        };
        // If no thread can be started, it is retried.
        self.taking_out = std::thread::Builder::new().name("erasing".into()).spawn(rest).ok();
    }

    fn end_taking_out(&mut self) {
        if let Some(thread) = self.taking_out.take() {
            let _ = thread.join();
        }
    }
}
