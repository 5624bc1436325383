//! ONLINE: the command line and the HTTP service.
//!
//! - [`cli`]: one file per command
//! - [`config`]: the configuration
//! - `low_priority`: threads that yield the processors to requests
//! - [`live`]: the markets in service, each behind one snapshot
//! - [`store`]: the database of pushed state
//! - [`api`]: the HTTP API
//! - [`exposures`]: the log of what was shown
//! - `output`: the commands' standard output
//! - [`metrics`]: the Prometheus metrics
//! - `retention`: removal of old models
//! - [`secret`]: a key that is not in the database
//! - [`report`]: the report of an evaluation

#[macro_use]
mod output;

pub mod api;
pub mod cli;
pub mod config;
pub mod exposures;
pub mod live;
mod low_priority;
pub mod metrics;
#[cfg(feature = "training")]
pub mod report;
mod retention;
pub mod secret;
pub mod store;
