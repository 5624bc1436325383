//! Tables of vectors in the finalfusion format (<https://finalfusion.github.io/spec>).
//!
//! Written by the finalfusion crate. Read here, in one pass, with every length checked against the remaining bytes: the
//! crate's own reader panics on duplicate words and allocates whatever a corrupt length asks for.

use std::io::Cursor;

use finalfusion::io::WriteEmbeddings;
use finalfusion::norms::NdNorms;
use finalfusion::prelude::Embeddings;
use finalfusion::storage::NdArray;
use finalfusion::vocab::SimpleVocab;
use ndarray15::{Array1, Array2};

use crate::error::ModelError;
use crate::texts::Texts;
use crate::vectors::Vectors;

const VOCABULARY: u32 = 1;
const MATRIX: u32 = 2;
const NORMS: u32 = 6;
const F32: u32 = 10;

/// Maximum number of dimensions, so that a corrupt length does not cause a huge allocation.
const MOST_DIMS: usize = 4096;

/// Encodes `vectors`, one row per distinct ID; the numbers of rows and IDs must be equal.
pub(super) fn encode<'a>(ids: impl Iterator<Item = &'a str>, vectors: &Vectors) -> Result<Vec<u8>, ModelError> {
    let words: Vec<String> = ids.map(str::to_owned).collect();
    let matrix = Array2::from_shape_vec((vectors.len(), vectors.dims()), vectors.units().to_vec())
        .map_err(|e| ModelError::Encoding(e.to_string()))?;
    if words.len() != vectors.len() {
        return Err(ModelError::Encoding(format!("{} IDs for {} vectors", words.len(), vectors.len())));
    }
    let norms = NdNorms::new(Array1::from_vec(vectors.norms().to_vec()));
    let embeddings = Embeddings::new(None, SimpleVocab::new(words), NdArray::new(matrix), norms);
    let mut file = Cursor::new(Vec::new());
    embeddings.write_embeddings(&mut file).map_err(|e| ModelError::Encoding(e.to_string()))?;
    Ok(file.into_inner())
}

/// Decodes vectors whose words must be the first of `ids`, in order.
pub(super) fn decode(bytes: &[u8], ids: &Texts) -> Result<Vectors, ModelError> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.take(4)? != b"FiFu" || reader.u32()? != 0 {
        return Err(ModelError::Encoding("not a finalfusion file of version 0".into()));
    }
    let chunks = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
    if chunks != [3, VOCABULARY, MATRIX, NORMS] {
        return Err(ModelError::Encoding("expected the chunks vocabulary, matrix and norms".into()));
    }
    let end = reader.chunk(VOCABULARY)?;
    let words = reader.u64()?;
    if words > ids.len() as u64 {
        return Err(ModelError::Encoding(format!("{words} words for {} IDs", ids.len())));
    }
    for position in 0..words as u32 {
        let length = reader.u32()? as usize;
        if reader.take(length)? != ids.get(position).as_bytes() {
            return Err(ModelError::Encoding(format!("word {position} is not the ID at that position")));
        }
    }
    reader.ends_at(end)?;
    let end = reader.chunk(MATRIX)?;
    let (rows, dims) = (reader.u64()?, reader.u32()? as usize);
    if dims > MOST_DIMS {
        return Err(ModelError::Encoding(format!("vectors of {dims} numbers; at most {MOST_DIMS} are read")));
    }
    let unit = reader.floats(rows.checked_mul(dims as u64))?;
    reader.ends_at(end)?;
    let end = reader.chunk(NORMS)?;
    let length = reader.u64()?;
    let norms = reader.floats(Some(length))?;
    reader.ends_at(end)?;
    reader.ends_at(bytes.len())?;
    if rows != words {
        return Err(ModelError::Encoding(format!("{rows} rows for {words} words")));
    }
    Vectors::from_parts(dims, unit, norms).ok_or_else(|| ModelError::Encoding("matrix and norms don't agree".into()))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ModelError> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let taken = end
            .map(|end| &self.bytes[self.at..end])
            .ok_or_else(|| ModelError::Encoding("a length goes beyond the file".into()))?;
        self.at += length;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, ModelError> {
        let bytes = self.take(4)?.first_chunk().ok_or_else(|| ModelError::Encoding("cut short".into()))?;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn u64(&mut self) -> Result<u64, ModelError> {
        let bytes = self.take(8)?.first_chunk().ok_or_else(|| ModelError::Encoding("cut short".into()))?;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// Reads identifier and length of a chunk; returns where its content ends.
    fn chunk(&mut self, expected: u32) -> Result<usize, ModelError> {
        let (found, length) = (self.u32()?, self.u64()?);
        if found != expected {
            return Err(ModelError::Encoding(format!("chunk {found} where {expected} was expected")));
        }
        if length > (self.bytes.len() - self.at) as u64 {
            return Err(ModelError::Encoding("a chunk goes beyond the file".into()));
        }
        Ok(self.at + length as usize)
    }

    fn ends_at(&self, end: usize) -> Result<(), ModelError> {
        if self.at == end {
            Ok(())
        } else {
            Err(ModelError::Encoding(format!("content ends at byte {}, not at {end}", self.at)))
        }
    }

    /// Reads type, padding of one to four bytes up to a multiple of four, and `count` floats.
    fn floats(&mut self, count: Option<u64>) -> Result<Vec<f32>, ModelError> {
        if self.u32()? != F32 {
            return Err(ModelError::Encoding("the numbers are not 32-bit floats".into()));
        }
        self.take(4 - self.at % 4)?;
        let length = count
            .and_then(|n| usize::try_from(n).ok()?.checked_mul(4))
            .ok_or_else(|| ModelError::Encoding("a count is too large".into()))?;
        let (floats, _) = self.take(length)?.as_chunks();
        Ok(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use finalfusion::prelude::{ReadEmbeddings, VocabWrap};
    use finalfusion::storage::{Storage, StorageWrap};
    use finalfusion::vocab::Vocab;

    fn example() -> (Texts, Vectors) {
        let mut ids = Texts::default();
        for id in ["a", "ü/ %", "third"] {
            ids.push(id).unwrap();
        }
        (ids, Vectors::from_rows(2, vec![3.0, 4.0, 1.0, 0.0, 0.0, 0.0]))
    }

    #[test]
    fn comes_back_as_written_and_opens_with_finalfusion_itself() {
        let (ids, vectors) = example();
        let bytes = encode(ids.iter(), &vectors).unwrap();
        assert_eq!(decode(&bytes, &ids).unwrap(), vectors);
        let theirs: Embeddings<VocabWrap, StorageWrap> = Embeddings::read_embeddings(&mut Cursor::new(&bytes)).unwrap();
        assert_eq!(theirs.vocab().words(), ["a", "ü/ %", "third"]);
        assert_eq!(theirs.storage().shape(), (3, 2));
        assert_eq!(theirs.embedding("a").unwrap().to_vec(), [0.6, 0.8]);
    }

    #[test]
    fn no_cut_and_no_changed_byte_can_panic_it() {
        let (ids, vectors) = example();
        let bytes = encode(ids.iter(), &vectors).unwrap();
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], &ids).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = decode(&changed, &ids);
            }
        }
    }
}
