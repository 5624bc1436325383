//! The HTTP API, one file per resource. Only this folder uses axum.
//!
//! Every answer is a JSON object made from one snapshot. Errors are problems (RFC 9457) that name the field. No input
//! of a client leads to a 5xx, except 503 under overload, without a model in service, or when the database cannot take
//! a push.

mod admin;
mod alternatives;
mod answer;
mod audit;
mod baskets;
mod body_budget;
mod bought_together;
mod customer_lists;
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
mod quota;
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
