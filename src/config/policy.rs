use trolley_model::{MustMatch, Sensitive};

use super::baskets::BasketsConfig;

/// The config of a market's answers.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The sensitive categories.
    pub sensitive: Sensitive,
    /// The attributes that must match.
    pub must_match: Vec<MustMatch>,
    /// Pushed baskets.
    pub baskets: BasketsConfig,
}
