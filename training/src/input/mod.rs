//! The input tables of a shop: finds their files, reads them in batches, and checks each row.
//!
//! Only the mapped columns are read, one batch of rows at a time, so memory grows with the distinct IDs and basket
//! lines, not with the size of the files. Each row is taken, left out on purpose, or rejected; [`RowOutcomes`] counts these
//! outcomes. A [`Finding`] is a problem of the tables as a whole. polars is used for Parquet only, and none of its
//! types leaves this folder.

mod amount;
mod attributes;
mod batch;
mod column_request;
mod config;
mod csv;
mod error;
mod files;
mod findings;
mod items;
mod lakehouse;
mod number;
mod offers;
mod parquet;
mod profile;
mod read;
mod row_outcomes;
mod time;
mod transactions;

pub use attributes::{AttributeColumn, AttributeForm, AttributeKind, AttributeTable};
pub use config::{Columns, CsvConfig, InputConfig, ItemColumns, OfferColumns, OneOrMany, TransactionColumns};
pub use error::InputError;
pub use files::{Found, find as find_files};
pub use findings::{Finding, FindingKind, Look, Severity, TableLook, look};
pub use items::{Item, Items, read_items};
pub use offers::{OfferRow, Offers, read_offers};
pub use profile::Column;
pub use read::TableRead;
pub use row_outcomes::{Example, InputTable, RowCount, RowOutcomes, RowReason};
pub use transactions::{
    ANONYMOUS, Basket, PushedBasket, PushedLine, Transactions, read_transactions, read_with_pushed,
};
