use std::collections::BTreeMap;
use std::sync::Arc;

use trolley_model::{MustMatch, Sensitive};

use super::active_offers::OfferIndex;
use super::baskets::PushedBaskets;
use super::dismissals::Dismissals;
use super::erased::Erased;
use super::offers::Offer;
use super::replacements::Replacements;
use super::rules::Rule;
use super::stock::Stock;
use super::store_stock::StoreStock;
use crate::store::Kind;

/// The pushed state and the config of a market. Clones share their content.
#[derive(Clone, Debug, Default)]
pub struct PushedState {
    /// The offers.
    pub offers: Arc<OfferIndex>,
    /// The rules.
    pub rules: Arc<Vec<Rule>>,
    /// The stock.
    pub stock: Arc<Stock>,
    /// The stock of each store.
    pub store_stock: Arc<StoreStock>,
    /// The erased customers.
    pub erased: Arc<Erased>,
    /// The pushed baskets.
    pub baskets: Arc<PushedBaskets>,
    /// The items that customers have dismissed.
    pub dismissals: Arc<Dismissals>,
    /// The sensitive categories, from the config.
    pub sensitive: Arc<Sensitive>,
    /// The attributes that must match, from the config.
    pub must_match: Arc<Vec<MustMatch>>,
    /// The customers' decisions on replacements.
    pub replacements: Arc<Replacements>,
    /// Whether the pushed state is not known yet. Then neither are the erased customers, and all answers are anonymous.
    pub awaited: bool,
    /// By kind, the version up to which all changes are included.
    pub(super) seen: BTreeMap<Kind, i64>,
    /// By kind, the version of the newest change that is included. If the database has only older ones, it went back.
    pub(super) newest: BTreeMap<Kind, i64>,
    /// By kind, the last version that the database was seen to have reached.
    pub(super) anchors: BTreeMap<Kind, i64>,
    /// Counts the changes.
    pub(super) revision: u64,
}

impl PushedState {
    /// Only offers and stock.
    pub fn new(offers: Vec<Offer>, stock: Stock) -> Self {
        Self { offers: Arc::new(OfferIndex::new(offers)), stock: Arc::new(stock), ..Self::default() }
    }

    /// Sets the versions up to which all changes are included, by kind.
    #[must_use]
    pub fn up_to(self, seen: BTreeMap<Kind, i64>) -> Self {
        Self { newest: seen.clone(), anchors: seen.clone(), seen, ..self }
    }

    /// Notes a change of a kind, by its version.
    pub(super) fn note(&mut self, kind: Kind, version: i64) {
        let newest = self.newest.entry(kind).or_insert(version);
        *newest = version.max(*newest);
    }
}
