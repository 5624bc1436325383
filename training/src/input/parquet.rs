use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use polars_core::prelude::{Column, Series};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;

use super::InputError;

/// Number of rows read at a time.
const BATCH: usize = 1 << 18;

/// The column names of a file.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, InputError> {
    let schema = contained(path, || open(path)?.schema().map_err(|e| failed(path, &e)))?;
    Ok(schema.iter_names().map(ToString::to_string).collect())
}

/// polars panics on column types that it was built without; such a file is refused like any other.
fn contained<T>(path: &Path, read: impl FnOnce() -> Result<T, InputError>) -> Result<T, InputError> {
    std::panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let reason = "a column has a type that is not supported: convert it to text, a number or a datetime".into();
        Err(InputError::Read { path: path.to_owned(), reason })
    })
}

/// Calls `each` with every batch of the wanted columns, in the given order, and its number of rows. Batches come in the
/// order of the file.
pub(super) fn read(
    path: &Path,
    columns: &[String],
    mut each: impl FnMut(Vec<Series>, usize) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let (rows, metadata) = contained(path, || {
        let mut reader = open(path)?;
        let rows = reader.num_rows().map_err(|e| failed(path, &e))?;
        Ok((rows, reader.get_metadata().map_err(|e| failed(path, &e))?.clone()))
    })?;
    for start in (0..rows).step_by(BATCH) {
        let (series, height) = contained(path, || {
            let mut reader = open(path)?;
            reader.set_metadata(metadata.clone());
            let frame = reader
                .with_columns(Some(columns.to_vec()))
                .with_slice(Some((start, BATCH.min(rows - start))))
                .finish()
                .map_err(|e| failed(path, &e))?;
            let series = |name: &String| frame.column(name).map(Column::as_materialized_series).cloned();
            let series: Result<Vec<Series>, _> = columns.iter().map(series).collect();
            Ok((series.map_err(|e| failed(path, &e))?, frame.height()))
        })?;
        each(series, height)?;
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
