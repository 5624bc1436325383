//! Learns what each signal counts, on weeks that come after those the signals were learned from.

mod boosting;
mod cases;
mod default_weights;
mod examples;
mod focus;
mod grow;
mod lambda;
mod linear;
mod paired;
mod parts;

pub(crate) use boosting::{Given, Learned, learn, learn_straight};
pub(crate) use default_weights::default_weights;
pub(crate) use examples::{Examples, ON_OFFER_SIGNALS};
