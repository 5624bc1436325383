//! The markets in service. Everything that an answer is made from is behind one pointer, a [`Snapshot`].

mod active_offers;
mod erased;
mod filter;
mod following;
mod instead;
mod market;
mod market_stock;
mod markets;
mod offers;
mod query;
mod reasons;
mod replacements;
mod rules;
mod snapshot;
mod state_sync;
mod stock;
mod store_stock;
mod why_not;

pub use active_offers::OfferBook;
pub use erased::{CustomerHash, Erased, customer_hash};
pub use filter::Filter;
pub use instead::PriceWish;
pub use market::{Market, Policy, Pushed};
pub use markets::Markets;
pub use offers::{Offer, OfferError};
pub use query::{Answer, ItemQuery, OfferAnswer, OfferQuery};
pub use reasons::{Explain, Told, Why, label};
pub use replacements::{Replacements, Taken};
pub use rules::{Block, Boost, Pin, Rule, RuleError};
pub use snapshot::Snapshot;
pub use state_sync::StateSync;
pub use stock::{Stock, StockUpdate, Updated};
pub use store_stock::StoreStock;
pub use why_not::{Standing, Verdict};
