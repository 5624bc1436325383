//! The HTTP API: a file per resource. axum stays in this folder.
//!
//! Every answer is an object, made from one snapshot. Errors are problems (RFC 9457) that name the field. What a
//! client sends never leads to a 5xx, except 503 where a market has no model in service yet.

mod admin;
mod allowance;
mod alternatives;
mod answer;
mod audit;
mod bought_together;
mod docs;
mod document;
mod erasure;
mod events;
mod extract;
mod json;
mod keys;
mod markets;
mod models;
mod observe;
mod offers;
mod params;
mod problem;
mod room;
mod router;
mod rows;
mod rules;
mod server;
mod stock;
mod why_not;

pub use document::EXAMPLES;
pub use keys::Keys;
pub use router::{ApiState, admin_router, openapi, router};
pub use server::{Listening, serve};
