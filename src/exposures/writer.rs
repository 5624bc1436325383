use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Erased, Exposure, files};
use crate::config::ExposureConfig;
use crate::metrics;

/// Lines are written when there are so many bytes of them, or after so long.
const BLOCK: usize = 64 << 10;
const LATEST: Duration = Duration::from_secs(1);

/// What the writer is told.
pub(super) enum Message {
    Shown(Box<Exposure>),
    Close,
}

/// The thread that writes.
pub(super) struct Writer {
    folder: PathBuf,
    largest: u64,
    most: usize,
    receiver: Receiver<Message>,
    /// The file, and how long it is.
    file: Option<(File, u64)>,
    /// Lines that are not written yet, and how many.
    lines: Vec<u8>,
    count: u64,
    written: Instant,
    /// Whether the last write failed: it is said once.
    failing: bool,
    erased: Arc<Mutex<Erased>>,
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
        }
    }

    pub(super) fn run(mut self) {
        loop {
            match self.receiver.recv_timeout(LATEST) {
                Ok(Message::Shown(mut exposure)) => {
                    // Asked here and not by the answer: whoever was erased while it waited is nobody too.
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
                    self.take_out();
                    return;
                }
            }
            if self.lines.len() >= BLOCK || self.written.elapsed() >= LATEST {
                self.write();
                self.take_out();
            }
        }
    }

    /// Writes the lines; those that can't be written are counted and forgotten, so that memory stays bounded.
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
            // Half a line would spoil the next one.
            let _ = file.set_len(*length);
            return Err(error);
        }
        *length += self.lines.len() as u64;
        if *length >= self.largest {
            self.file = None;
        }
        Ok(())
    }

    /// Takes out what is to be erased; what fails is tried again.
    fn take_out(&mut self) {
        let names = self.erased.lock().unwrap_or_else(PoisonError::into_inner).pending.clone();
        if names.is_empty() {
            return;
        }
        self.file = None;
        match files::without(&self.folder, &names) {
            Ok(()) => {
                let mut erased = self.erased.lock().unwrap_or_else(PoisonError::into_inner);
                erased.pending.retain(|name| !names.contains(name));
            }
            Err(error) => tracing::error!(%error, "a customer cannot be taken out of the exposures yet"),
        }
    }
}
