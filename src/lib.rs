//! ONLINE: the command line and the HTTP service.
//!
//! - [`cli`]: one file per command
//! - [`config`]: the configuration
//! - [`live`]: the markets in service, each behind one snapshot
//! - [`api`]: the HTTP API
//! - [`metrics`]: what operators scrape
//! - [`report`]: what an evaluation found, as a page

pub mod api;
pub mod cli;
pub mod config;
pub mod live;
pub mod metrics;
#[cfg(feature = "training")]
pub mod report;
pub mod store;
