use std::fs::File;
use std::path::Path;

use polars_core::prelude::DataFrame;
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;

use super::InputError;

/// Rows read at a time.
const BATCH: usize = 1 << 18;

/// The names of a file's columns.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, InputError> {
    let schema = open(path)?.schema().map_err(|e| failed(path, &e))?;
    Ok(schema.iter_names().map(ToString::to_string).collect())
}

/// Calls `each` with every batch of the wanted columns, in the order of the file.
pub(super) fn read(
    path: &Path,
    columns: &[String],
    mut each: impl FnMut(DataFrame) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let mut reader = open(path)?;
    let rows = reader.num_rows().map_err(|e| failed(path, &e))?;
    let metadata = reader.get_metadata().map_err(|e| failed(path, &e))?.clone();
    for start in (0..rows).step_by(BATCH) {
        let mut reader = open(path)?;
        reader.set_metadata(metadata.clone());
        let batch = reader
            .with_columns(Some(columns.to_vec()))
            .with_slice(Some((start, BATCH.min(rows - start))))
            .finish()
            .map_err(|e| failed(path, &e))?;
        each(batch)?;
    }
    Ok(())
}

fn open(path: &Path) -> Result<ParquetReader<File>, InputError> {
    let file = File::open(path).map_err(|source| InputError::Io { path: path.to_owned(), source })?;
    Ok(ParquetReader::new(file))
}

fn failed(path: &Path, error: &polars_core::error::PolarsError) -> InputError {
    InputError::Read { path: path.to_owned(), reason: error.to_string() }
}
