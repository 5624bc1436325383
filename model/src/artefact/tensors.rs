//! Columns of numbers and texts in a safetensors file, a format that many tools read.

use std::borrow::Cow;

use safetensors::{Dtype, SafeTensors, View};

use crate::co_purchases::Number;
use crate::error::ModelError;
use crate::item::Item;
use crate::profile::Position;
use crate::texts::Texts;

/// Columns to write.
#[derive(Default)]
pub(super) struct TensorColumns(Vec<(String, Column)>);

struct Column {
    dtype: Dtype,
    shape: [usize; 1],
    bytes: Vec<u8>,
}

impl View for &Column {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

macro_rules! numbers {
    ($put:ident, $take:ident, $number:ty, $dtype:ident) => {
        impl TensorColumns {
            pub(super) fn $put(&mut self, name: &str, values: &[$number]) {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.put(name, Dtype::$dtype, values.len(), bytes);
            }
        }
        impl Tensors<'_> {
            pub(super) fn $take(&self, name: &str) -> Result<Vec<$number>, ModelError> {
                let (bytes, _) = self.column(name, Dtype::$dtype)?.as_chunks();
                Ok(bytes.iter().map(|bytes| <$number>::from_le_bytes(*bytes)).collect())
            }
        }
    };
}

numbers!(put_u16, take_u16, u16, U16);
numbers!(put_u32, take_u32, u32, U32);
numbers!(put_u64, take_u64, u64, U64);
numbers!(put_f32, take_f32, f32, F32);

impl TensorColumns {
    /// The numbers of items or categories.
    pub(super) fn put_numbers<N: Number>(&mut self, name: &str, values: &[N]) {
        let bytes = values.iter().flat_map(|value| value.number().to_le_bytes()).collect();
        self.put(name, Dtype::U32, values.len(), bytes);
    }

    /// Positions in customers' histories.
    pub(super) fn put_positions(&mut self, name: &str, values: &[Position]) {
        let bytes = values.iter().flat_map(|value| value.0.to_le_bytes()).collect();
        self.put(name, Dtype::U16, values.len(), bytes);
    }

    fn put(&mut self, name: &str, dtype: Dtype, length: usize, bytes: Vec<u8>) {
        self.0.push((name.to_owned(), Column { dtype, shape: [length], bytes }));
    }

    /// A column that is omitted if it is empty.
    pub(super) fn put_f32_if_any(&mut self, name: &str, values: &[f32]) {
        if !values.is_empty() {
            self.put_f32(name, values);
        }
    }

    /// Two columns: the concatenated bytes of all texts, and the end offset of each.
    pub(super) fn put_texts(&mut self, name: &str, texts: &Texts) {
        self.put(&format!("{name}.text"), Dtype::U8, texts.text().len(), texts.text().as_bytes().to_vec());
        self.put_u32(&format!("{name}.ends"), texts.ends());
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        safetensors::serialize(self.0.iter().map(|(name, column)| (name, column)), None)
    }
}

/// Columns read from a file.
pub(super) struct Tensors<'a>(SafeTensors<'a>);

impl<'a> Tensors<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, ModelError> {
        SafeTensors::deserialize(bytes).map(Self).map_err(|e| ModelError::Encoding(e.to_string()))
    }

    fn column(&self, name: &str, dtype: Dtype) -> Result<&'a [u8], ModelError> {
        let column = self.0.tensor(name).map_err(|_| ModelError::Encoding(format!("column `{name}` is missing")))?;
        if column.dtype() != dtype || column.shape().len() != 1 {
            return Err(ModelError::Encoding(format!("column `{name}` is not a list of {dtype:?}")));
        }
        Ok(column.data())
    }

    /// The numbers of items.
    pub(super) fn take_items(&self, name: &str) -> Result<Vec<Item>, ModelError> {
        Ok(self.take_u32(name)?.into_iter().map(Item).collect())
    }

    /// Whether a column exists; older artefacts lack some.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.names().contains(&name)
    }

    pub(super) fn take_f32_if_any(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        if self.has(name) { self.take_f32(name) } else { Ok(Vec::new()) }
    }

    pub(super) fn take_texts(&self, name: &str) -> Result<Texts, ModelError> {
        let text = self.column(&format!("{name}.text"), Dtype::U8)?;
        let text =
            std::str::from_utf8(text).map_err(|_| ModelError::Encoding(format!("`{name}` is not valid UTF-8")))?;
        let ends = self.take_u32(&format!("{name}.ends"))?;
        Texts::from_parts(text.to_owned(), ends)
            .ok_or_else(|| ModelError::Encoding(format!("the ends of `{name}` don't fit its text")))
    }

    /// The number of a column of length one.
    pub(super) fn take_one(&self, name: &str) -> Result<u32, ModelError> {
        match self.take_u32(name)?[..] {
            [number] => Ok(number),
            _ => Err(ModelError::Encoding(format!("`{name}` is not one number"))),
        }
    }
}
