//! The lines of a file, numbered.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

/// Number of bytes read at a time.
const BLOCK: usize = 1 << 20;

/// Maximum length of a line in bytes; a file with a longer one is not text.
const LONGEST: usize = 16 << 20;

/// Lines without their terminators, with look-ahead.
///
/// In a file with line feeds these end the lines, and carriage returns before them belong to the terminator (CR LF, and
/// the CR CR LF of text converted twice on Windows). In a file without line feeds, as on old Macs, carriage returns end
/// the lines.
pub(super) struct LineReader {
    source: Box<dyn Read>,
    buffer: Vec<u8>,
    /// The lines found and not yet consumed, as ranges of the buffer.
    found: VecDeque<Range<usize>>,
    /// Start of the first line that is not found yet, and how far it was scanned.
    next: usize,
    scanned: usize,
    ended: bool,
    end: Option<u8>,
    number: u64,
}

impl LineReader {
    pub(super) fn new(source: Box<dyn Read>) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            found: VecDeque::new(),
            next: 0,
            scanned: 0,
            ended: false,
            end: None,
            number: 1,
        }
    }

    /// The number of the next line, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The line `ahead` lines behind the next one; `None` behind the end of the file.
    pub(super) fn peek(&mut self, ahead: usize) -> io::Result<Option<&[u8]>> {
        while self.found.len() <= ahead {
            if !self.find()? {
                return Ok(None);
            }
        }
        Ok(Some(&self.buffer[self.found[ahead].clone()]))
    }

    /// Consumes the next `lines` lines, which must have been peeked at.
    pub(super) fn advance(&mut self, lines: usize) {
        self.found.drain(..lines.min(self.found.len()));
        self.number += lines as u64;
    }

    /// Finds one more line; false at the end of the file.
    fn find(&mut self) -> io::Result<bool> {
        loop {
            let end = match self.end {
                Some(end) => end,
                None if self.ended || self.buffer.len() >= BLOCK => {
                    *self.end.insert(if memchr::memchr(b'\n', &self.buffer).is_some() { b'\n' } else { b'\r' })
                }
                None => {
                    self.fill()?;
                    continue;
                }
            };
            if let Some(at) = memchr::memchr(end, &self.buffer[self.scanned..]) {
                self.take(self.scanned + at, 1);
                return Ok(true);
            }
            self.scanned = self.buffer.len();
            if self.ended {
                let left = self.next < self.buffer.len();
                if left {
                    self.take(self.buffer.len(), 0);
                }
                return Ok(left);
            }
            if self.scanned - self.next > LONGEST {
                let what = format!("there is no line end in {} MB: this is no CSV file", LONGEST >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            self.fill()?;
        }
    }

    /// Records the line that ends before `end`; its terminator has `terminator` bytes.
    fn take(&mut self, end: usize, terminator: usize) {
        let line = &self.buffer[self.next..end];
        let returns = line.iter().rev().take_while(|byte| **byte == b'\r').count();
        self.found.push_back(self.next..end - returns);
        self.next = end + terminator;
        self.scanned = self.next;
    }

    /// Drops the consumed lines, and reads another block.
    fn fill(&mut self) -> io::Result<()> {
        let from = self.found.front().map_or(self.next, |line| line.start);
        if from > 0 {
            self.buffer.drain(..from);
            self.next -= from;
            self.scanned -= from;
            for line in &mut self.found {
                *line = line.start - from..line.end - from;
            }
        }
        let before = self.buffer.len();
        self.source.by_ref().take(BLOCK as u64).read_to_end(&mut self.buffer)?;
        self.ended = self.buffer.len() == before;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut lines = LineReader::new(Box::new(io::Cursor::new(text.to_owned().into_bytes())));
        let mut all = Vec::new();
        while let Some(line) = lines.peek(0).unwrap() {
            all.push(String::from_utf8(line.to_vec()).unwrap());
            lines.advance(1);
        }
        assert_eq!(lines.number(), all.len() as u64 + 1);
        all
    }

    #[test]
    fn every_way_to_end_a_line() {
        for text in ["a\nb\n\nc", "a\r\nb\r\n\r\nc\r\n", "a\r\r\nb\r\r\n\r\r\nc", "a\rb\r\rc\r"] {
            assert_eq!(all(text), ["a", "b", "", "c"], "{text:?}");
        }
        assert_eq!(all("a\rb\nc"), ["a\rb", "c"], "among line feeds a carriage return is a character");
        assert!(all("").is_empty());
    }

    #[test]
    fn lines_are_the_same_across_blocks_and_ahead() {
        let text: Vec<String> = (0..400_000).map(|line| format!("line {line}\n")).collect();
        let mut lines = LineReader::new(Box::new(io::Cursor::new(text.concat().into_bytes())));
        for line in 0..400_000usize {
            if line % 1000 == 0 {
                let ahead = lines.peek(19).unwrap().map(<[u8]>::to_vec);
                assert_eq!(ahead, (line + 19 < 400_000).then(|| format!("line {}", line + 19).into_bytes()));
            }
            assert_eq!(lines.peek(0).unwrap().unwrap(), format!("line {line}").as_bytes());
            lines.advance(1);
        }
        assert!(lines.peek(0).unwrap().is_none());
    }
}
