//! A strict CSV parser: a line is parsed as it stands or rejected. It is never shifted, and never merged into another
//! record by accident.
//!
//! Other parsers do not distinguish a quote that opens a field from a stray one (the `csv` crate reads `"5 inch pipe`
//! up to the next quote, thirty lines below). Here a quoted field must end before a separator or the end of the line.
//! It may span a few lines only if none of them has as many fields as a record.

mod decode;
mod lines;
mod record;

use std::path::Path;

use super::batch::{Texts, Values};
use super::row_outcomes::{InputTable, RowOutcomes, RowReason};
use super::{CsvConfig, InputError};
use lines::LineReader;
use record::{Fields, Malformed, split};

pub(super) use decode::encoding;

/// Approximate number of rows after which a batch ends.
const ROWS: usize = 1 << 17;
/// Approximate number of bytes after which a batch ends.
const BYTES: usize = 16 << 20;

/// Maximum number of lines of a quoted field.
const MOST_LINES: usize = 20;

/// A file whose header has been read.
pub(super) struct Csv<'a> {
    path: &'a Path,
    lines: LineReader,
    separator: u8,
    /// The column names, trimmed.
    pub(super) columns: Vec<String>,
    /// The header as it stands, to recognise repetitions.
    header: Vec<String>,
}

/// The known separators.
const SEPARATORS: [(u8, &str); 4] = [(b',', ","), (b';', ";"), (b'\t', "\\t"), (b'|', "|")];

impl<'a> Csv<'a> {
    /// Opens a file and reads its header.
    pub(super) fn open(path: &'a Path, config: &CsvConfig) -> Result<Self, InputError> {
        let mut lines = LineReader::new(decode::open(path, config)?);
        let name = path.to_string_lossy().to_ascii_lowercase();
        let by_name = [(".tsv", b'\t'), (".psv", b'|')].into_iter().find(|(ending, _)| name.contains(ending));
        let mut separator = config.separator.map(|s| s as u8).or(by_name.map(|(_, s)| s)).unwrap_or(b',');
        let mut csv = Self { path, lines, separator, columns: Vec::new(), header: Vec::new() };
        lines = csv.lines;
        while let Some(line) = lines.peek(0).map_err(io(path))? {
            // The separator line that Excel writes above the header.
            if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', given] = line.trim_ascii_end() {
                separator = *given;
                lines.advance(1);
            } else if line.trim_ascii().is_empty() {
                lines.advance(1);
            } else {
                break;
            }
        }
        csv = Self { lines, separator, ..csv };
        csv.header = csv.read_header()?;
        csv.columns = csv.header.iter().map(|name| tidy_name(name)).collect();
        Ok(csv)
    }

    fn read_header(&mut self) -> Result<Vec<String>, InputError> {
        let refused = |reason: &str| InputError::Read { path: self.path.to_owned(), reason: reason.to_owned() };
        let mut joined = Vec::new();
        for line in 0..MOST_LINES {
            let Some(bytes) = self.lines.peek(line).map_err(io(self.path))? else { break };
            joined.extend_from_slice(bytes);
            let text = std::str::from_utf8(&joined).map_err(|_| {
                refused(
                    "its header is not UTF-8: set `encoding` under [markets.NAME.csv], for example \"windows-1252\"",
                )
            })?;
            let mut fields = Fields::default();
            match split(text, self.separator, &mut fields) {
                Ok(()) => {
                    let names = fields.iter().map(str::to_owned).collect();
                    self.lines.advance(line + 1);
                    return Ok(names);
                }
                Err(Malformed::Open) => joined.push(b'\n'),
                Err(Malformed::Stray) => break,
            }
        }
        if joined.is_empty() {
            Err(refused("it is empty"))
        } else {
            Err(refused("a quote in its header is not closed"))
        }
    }

    /// Another separator with which the header has all the wanted columns, if there is one.
    pub(super) fn fitting_separator(&self, wanted: &[&str]) -> Option<&'static str> {
        let header = self.header.join(std::str::from_utf8(&[self.separator]).unwrap_or(","));
        SEPARATORS.into_iter().find_map(|(separator, name)| {
            let mut fields = Fields::default();
            split(&header, separator, &mut fields).ok()?;
            let names: Vec<String> = fields.iter().map(tidy_name).collect();
            let all = wanted.iter().all(|wanted| names.iter().any(|name| name == wanted));
            (all && separator != self.separator).then_some(name)
        })
    }

    /// Calls `each` with every batch of the wanted columns, given by position, in the order of the file. Lines that do
    /// not fit the header are rejected.
    pub(super) fn read(
        &mut self,
        table: InputTable,
        wanted: &[usize],
        row_outcomes: &mut RowOutcomes,
        mut each: impl FnMut(Vec<Values>, Vec<u64>, &mut RowOutcomes) -> Result<(), InputError>,
    ) -> Result<(), InputError> {
        let mut columns: Vec<Texts> = wanted.iter().map(|_| Texts::default()).collect();
        let (mut rows, mut bytes, mut fields) = (Vec::new(), 0, Fields::default());
        loop {
            let line = self.lines.number();
            let Some(read) = self.next(&mut fields)? else { break };
            match read {
                Read::Record => {
                    for (column, &at) in columns.iter_mut().zip(wanted) {
                        let field = fields.get(at);
                        bytes += field.len();
                        column.push(field);
                    }
                    rows.push(line);
                }
                Read::Blank => row_outcomes.leave_out(table, self.path, line, RowReason::Blank, ""),
                Read::Header => row_outcomes.leave_out(table, self.path, line, RowReason::RepeatedHeader, ""),
                Read::Rejected(lines, reason, what) => {
                    for line in line..line + lines {
                        row_outcomes.reject(table, self.path, line, reason, &what)?;
                    }
                }
            }
            if rows.len() >= ROWS || bytes >= BYTES {
                let full = columns.iter_mut().map(|column| Values::Texts(std::mem::take(column))).collect();
                each(full, std::mem::take(&mut rows), row_outcomes)?;
                bytes = 0;
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        each(columns.into_iter().map(Values::Texts).collect(), rows, row_outcomes)
    }

    /// Parses the next record into `fields`, or tells why the line is not a record. `None` at the end of the file.
    fn next(&mut self, fields: &mut Fields) -> Result<Option<Read>, InputError> {
        let width = self.columns.len();
        let Some(line) = self.lines.peek(0).map_err(io(self.path))? else { return Ok(None) };
        let Ok(text) = std::str::from_utf8(line) else {
            self.lines.advance(1);
            return Ok(Some(Read::Rejected(1, RowReason::NotUtf8, String::new())));
        };
        // Invalid bytes of other encodings were replaced by this character when decoding.
        if text.contains(char::REPLACEMENT_CHARACTER) {
            self.lines.advance(1);
            return Ok(Some(Read::Rejected(1, RowReason::NotUtf8, String::new())));
        }
        match split(text, self.separator, fields) {
            Ok(()) => {
                let blank = fields.iter().all(|field| field.trim().is_empty());
                let read = if blank {
                    Read::Blank
                } else if fields.len() != width {
                    Read::Rejected(1, RowReason::FieldCount, format!("{} fields, the header has {width}", fields.len()))
                } else if fields.get(0) == self.header[0] && fields.iter().eq(self.header.iter().map(String::as_str)) {
                    Read::Header
                } else {
                    Read::Record
                };
                self.lines.advance(1);
                Ok(Some(read))
            }
            Err(Malformed::Stray) => {
                self.lines.advance(1);
                Ok(Some(Read::Rejected(1, RowReason::StrayQuote, String::new())))
            }
            Err(Malformed::Open) => self.over_lines(fields).map(Some),
        }
    }

    /// Parses a record with a quoted field that spans several lines.
    fn over_lines(&mut self, fields: &mut Fields) -> Result<Read, InputError> {
        let width = self.columns.len();
        // Whether a continuation line could be a record of its own.
        let (mut joined, mut records) = (Vec::new(), width == 1);
        for at in 0..MOST_LINES {
            let Some(line) = self.lines.peek(at).map_err(io(self.path))? else { break };
            if at > 0 {
                joined.push(b'\n');
                records |= memchr::memchr_iter(self.separator, line).count() + 1 >= width;
            }
            joined.extend_from_slice(line);
            let Ok(text) = std::str::from_utf8(&joined) else { break };
            match split(text, self.separator, fields) {
                Err(Malformed::Open) => {}
                Ok(()) if fields.len() == width => {
                    let lines = at + 1;
                    self.lines.advance(lines);
                    if records {
                        // Both readings are possible.
                        let what = format!("a quote that is closed {at} lines below, or two stray ones");
                        return Ok(Read::Rejected(lines as u64, RowReason::OpenQuote, what));
                    }
                    return Ok(Read::Record);
                }
                _ => break,
            }
        }
        self.lines.advance(1);
        Ok(Read::Rejected(1, RowReason::OpenQuote, String::new()))
    }
}

/// The kind of the next lines.
enum Read {
    Record,
    Blank,
    Header,
    /// Number of rejected lines, and the reason with its detail.
    Rejected(u64, RowReason, String),
}

/// A column name without surrounding white space, control characters and zero-width characters.
pub(super) fn tidy_name(name: &str) -> String {
    name.trim_matches(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}')).to_owned()
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> InputError {
    move |source| InputError::Io { path: path.to_owned(), source }
}
