//! The shop's tables: found, read in batches, checked row by row.
//!
//! Only the columns that are mapped are read, a batch of rows at a time, so memory follows the distinct IDs and basket
//! lines and not the size of the files. Of polars only the readers are used: its lazy engine would triple the build
//! and do nothing here that a loop over batches does not. No type of polars leaves this folder.

mod batch;
mod config;
mod csv;
mod error;
mod files;
mod items;
mod offers;
mod parquet;
mod rejects;
mod transactions;

pub use batch::columns;
pub use config::{Columns, InputConfig, ItemColumns, OfferColumns, OneOrMany, TransactionColumns};
pub use error::InputError;
pub use files::find as find_files;
pub use items::{Item, Items, read_items};
pub use offers::{OfferRow, read_offers};
pub use rejects::{Reason, Rejects};
pub use transactions::{Basket, NOBODY, Transactions, read_transactions};
