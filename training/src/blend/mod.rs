//! Learns the weights of the signals, on weeks after those from which the signals are computed.

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
