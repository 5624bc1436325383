//! Decompresses and decodes the bytes of a file to UTF-8.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;

use super::io as at;
use crate::input::{CsvConfig, InputError};

/// Number of bytes read to detect the format of a file.
const HEAD: usize = 4096;

/// Magic numbers of formats that are not text, and what to tell the user.
const OTHERS: [(&[u8], &str); 7] = [
    (b"PAR1", "a Parquet file: give it the ending .parquet"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook: unpack it, or save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as CSV"),
    (b"BZh", "compressed by bzip2: use gzip or zstd"),
    (b"\xfd7zXZ", "compressed by xz: use gzip or zstd"),
    (b"ORC", "an ORC file: export it as Parquet"),
    (b"Obj\x01", "an Avro file: export it as Parquet"),
];

/// An encoding by its WHATWG label: `utf-8`, `windows-1252`, `iso-8859-1`, `utf-16le` and so on.
pub(in crate::input) fn encoding(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label(name.as_bytes())
}

/// Opens a file: gzip and zstd are detected by their magic numbers, UTF-16 by its byte order mark or its zeros. UTF-8
/// is passed through, and validated line by line later.
pub(super) fn open(path: &Path, config: &CsvConfig) -> Result<Box<dyn Read>, InputError> {
    let (mut head, mut file) = begin(File::open(path).map_err(at(path))?).map_err(at(path))?;
    if head.starts_with(b"\x1f\x8b") {
        (head, file) = begin(MultiGzDecoder::new(file)).map_err(at(path))?;
    } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
        let decoder = zstd::stream::read::Decoder::new(file).map_err(at(path))?;
        (head, file) = begin(decoder).map_err(at(path))?;
    }
    if let Some((_, what)) = OTHERS.into_iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(InputError::Read { path: path.to_owned(), reason: format!("it is {what}") });
    }
    let of_config = config.encoding.as_deref().and_then(encoding);
    match Encoding::for_bom(&head).map(|(encoding, _)| encoding).or(of_config).or_else(|| zeros(&head)) {
        None => Ok(file),
        Some(encoding) if encoding == UTF_8 => {
            if head.starts_with(b"\xef\xbb\xbf") {
                file.read_exact(&mut [0; 3]).map_err(at(path))?;
            }
            Ok(file)
        }
        Some(encoding) => {
            let mut builder = DecodeReaderBytesBuilder::new();
            Ok(Box::new(builder.encoding(Some(encoding)).bom_override(true).build(file)))
        }
    }
}

/// The first bytes of a source, and a reader of the whole source, these bytes included.
fn begin(mut source: impl Read + 'static) -> io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut head = Vec::new();
    source.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let whole = Cursor::new(head.clone()).chain(source);
    Ok((head, Box::new(whole)))
}

/// Detects UTF-16 without a byte order mark: in mostly Latin text every other byte is zero.
fn zeros(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let most = head.len() / 2 * 3 / 4;
    match (zeros(0), zeros(1)) {
        (0, odd) if odd > most => Some(UTF_16LE),
        (even, 0) if even > most => Some(UTF_16BE),
        _ => None,
    }
}
