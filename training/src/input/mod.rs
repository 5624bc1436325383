//! The shop's tables: found, read in batches, checked row by row.
//!
//! Only the columns that are mapped are read, a batch of rows at a time, so memory follows the distinct IDs and basket
//! lines and not the size of the files. Each row is taken, left out on purpose or rejected, and counted by its fate
//! ([`Fates`]); what is odd about the tables as a whole is a [`Finding`]. polars reads Parquet and nothing else, and no
//! type of it leaves this folder.

mod amount;
mod attributes;
mod batch;
mod config;
mod csv;
mod error;
mod fates;
mod files;
mod findings;
mod items;
mod lakehouse;
mod number;
mod offers;
mod parquet;
mod profile;
mod read;
mod time;
mod transactions;
mod wanted;

pub use attributes::{AttributeColumn, AttributeForm, AttributeKind, AttributeTable};
pub use config::{Columns, CsvConfig, InputConfig, ItemColumns, OfferColumns, OneOrMany, TransactionColumns};
pub use error::InputError;
pub use fates::{Example, Fates, InputTable, RowCount, RowReason};
pub use files::{Found, find as find_files};
pub use findings::{Finding, FindingKind, Look, Severity, TableLook, look};
pub use items::{Item, Items, read_items};
pub use offers::{OfferRow, Offers, read_offers};
pub use profile::Column;
pub use read::TableRead;
pub use transactions::{ANONYMOUS, Basket, Transactions, read_transactions};
