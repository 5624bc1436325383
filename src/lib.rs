//! ONLINE: the command line and the HTTP service.
//!
//! - [`cli`]: one file per command
//! - [`config`]: the configuration
//! - `background`: work that gives way to answers
//! - [`live`]: the markets in service, each behind one snapshot
//! - [`api`]: the HTTP API
//! - [`exposures`]: what was shown, written down
//! - `output`: what the commands print
//! - [`metrics`]: what operators scrape
//! - `retention`: how long models stay
//! - [`secret`]: what the service knows and its database does not
//! - [`report`]: what an evaluation found, as a page

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
