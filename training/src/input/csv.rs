use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use polars_core::prelude::{DataFrame, DataType, PlSmallStr, Schema};
use polars_io::SerReader;
use polars_io::csv::read::CsvReadOptions;

use super::InputError;

/// Bytes read at a time; a batch ends with the last whole record in them.
const BLOCK: usize = 16 << 20;

/// What is left of a block without a record's end in it can't be larger than a record.
const LONGEST_RECORD: usize = 1 << 20;

/// The names of a file's columns: its first line.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, InputError> {
    let mut head = Vec::new();
    open(path)?.take(1 << 20).read_to_end(&mut head).map_err(io(path))?;
    let header = &head[..record_end(&head, true).unwrap_or(head.len())];
    let frame = parse(path, header.to_vec(), None, None)?;
    Ok(frame.get_column_names().into_iter().map(ToString::to_string).collect())
}

/// Calls `each` with every batch of the wanted columns, all as text, in the order of the file.
pub(super) fn read(
    path: &Path,
    wanted: &[String],
    mut each: impl FnMut(DataFrame) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let found = columns(path)?;
    let schema: Schema = found.iter().map(|name| (name.into(), DataType::String)).collect();
    // The last column is read along: only then are lines that a stray quote has run together, and lines with too many
    // fields, found out instead of being taken for one record.
    let wanted: Vec<&String> =
        found.iter().filter(|name| wanted.contains(name) || Some(*name) == found.last()).collect();
    let (schema, wanted) = (Arc::new(schema), wanted.into_iter().map(PlSmallStr::from).collect::<Arc<[_]>>());
    let mut file = open(path)?;
    let (mut block, mut first) = (Vec::with_capacity(BLOCK), true);
    loop {
        let before = block.len();
        if before > LONGEST_RECORD {
            let reason = "a quote is opened and not closed: a quote inside a field must be doubled".into();
            return Err(InputError::Read { path: path.to_owned(), reason });
        }
        file.by_ref().take(BLOCK as u64).read_to_end(&mut block).map_err(io(path))?;
        let ended = block.len() - before < BLOCK;
        if first {
            // A byte order mark is no part of the first name.
            if block.starts_with(b"\xef\xbb\xbf") {
                block.drain(..3);
            }
            let header = record_end(&block, true).unwrap_or(block.len());
            block.drain(..header);
            first = false;
        }
        let end = if ended { block.len() } else { record_end(&block, false).unwrap_or(0) };
        let rest = block.split_off(end);
        if !block.iter().all(u8::is_ascii_whitespace) {
            each(parse(path, block, Some(schema.clone()), Some(wanted.clone()))?)?;
        }
        block = rest;
        if ended {
            return Ok(());
        }
    }
}

/// Where the first (or the last whole) record ends, just behind its line break. Line breaks in quotes don't count.
fn record_end(bytes: &[u8], first: bool) -> Option<usize> {
    let (mut quoted, mut end) = (false, None);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                end = Some(at + 1);
                if first {
                    break;
                }
            }
            _ => {}
        }
    }
    end
}

fn parse(
    path: &Path,
    bytes: Vec<u8>,
    schema: Option<Arc<Schema>>,
    columns: Option<Arc<[PlSmallStr]>>,
) -> Result<DataFrame, InputError> {
    CsvReadOptions::default()
        .with_has_header(schema.is_none())
        .with_infer_schema_length(Some(0))
        .with_schema(schema)
        .with_columns(columns)
        .into_reader_with_file_handle(Cursor::new(bytes))
        .finish()
        .map_err(|e| InputError::Read { path: path.to_owned(), reason: e.to_string() })
}

fn open(path: &Path) -> Result<File, InputError> {
    File::open(path).map_err(io(path))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> InputError {
    move |source| InputError::Io { path: path.to_owned(), source }
}
