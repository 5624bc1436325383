//! The markets in service. Whatever one answer is made from stands behind one pointer: a [`Snapshot`].

mod market;
mod markets;
mod offers;
mod reasons;
mod snapshot;
mod stock;

pub use market::Market;
pub use markets::{Markets, watch};
pub use offers::{Offer, OfferError};
pub use reasons::{Why, label};
pub use snapshot::{Answer, OfferAnswer, Query, Snapshot};
pub use stock::{Stock, StockUpdate, Updated};
