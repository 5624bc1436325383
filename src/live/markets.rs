use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use trolley_model::Name;
use trolley_model::artefact::{ArtefactError, Shelf};

use super::market::Market;
use crate::metrics;

/// All markets that the service knows: those of the config, and those that have a folder among the models.
#[derive(Debug)]
pub struct Markets {
    shelf: Shelf,
    markets: ArcSwap<BTreeMap<Name, Arc<Market>>>,
    /// The version of each market that was refused last: it is not tried again until another one is published.
    refused: Mutex<BTreeMap<Name, Name>>,
}

impl Markets {
    /// The markets that must be there, and those found on the shelf. No model is opened yet: see [`Markets::refresh`].
    pub fn new(shelf: Shelf, expected: impl IntoIterator<Item = Name>) -> Self {
        let markets = expected.into_iter().map(|name| (name.clone(), Arc::new(Market::new(name)))).collect();
        Self { shelf, markets: ArcSwap::from_pointee(markets), refused: Mutex::default() }
    }

    /// One market.
    pub fn get(&self, name: &str) -> Option<Arc<Market>> {
        self.markets.load().get(name).cloned()
    }

    /// All markets by name.
    pub fn all(&self) -> Arc<BTreeMap<Name, Arc<Market>>> {
        self.markets.load_full()
    }

    /// True if there is a market and each has a model in service.
    pub fn ready(&self) -> bool {
        let markets = self.markets.load();
        !markets.is_empty() && markets.values().all(|market| market.snapshot().is_some())
    }

    /// Where the models are.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Looks for new markets and new models and puts them into service. A model that is refused is counted and said;
    /// the one in service stays, and if there is none yet, the newest sound older one serves.
    pub fn refresh(&self) {
        match self.shelf.markets() {
            Ok(found) => self.add(found),
            Err(error) => tracing::error!(%error, "the models folder cannot be read"),
        }
        for market in self.markets.load().values() {
            if let Err(error) = self.refresh_market(market) {
                tracing::error!(market = %market.name(), %error, "a model was refused");
            }
        }
    }

    fn add(&self, found: Vec<Name>) {
        let known = self.markets.load();
        if found.iter().all(|name| known.contains_key(name)) {
            return;
        }
        let mut markets = BTreeMap::clone(&known);
        for name in found {
            markets.entry(name.clone()).or_insert_with(|| Arc::new(Market::new(name)));
        }
        self.markets.store(Arc::new(markets));
    }

    fn refresh_market(&self, market: &Market) -> Result<(), ArtefactError> {
        let name = market.name();
        let current = match self.shelf.current(name) {
            Ok(current) => current,
            Err(ArtefactError::NoModel { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let served = market.snapshot().map(|snapshot| snapshot.manifest().version.clone());
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if served.as_ref() == Some(&current) || refused.get(name) == Some(&current) {
            return Ok(());
        }
        match self.shelf.open(name, &current) {
            Ok(opened) => {
                refused.remove(name);
                market.serve(opened);
                tracing::info!(market = %name, version = %current, "a model is in service");
                Ok(())
            }
            Err(error) => {
                metrics::model_refused(name);
                refused.insert(name.clone(), current.clone());
                if served.is_none() {
                    self.serve_an_older_one(market, &current);
                }
                Err(error)
            }
        }
    }

    fn serve_an_older_one(&self, market: &Market, refused: &Name) {
        let versions = self.shelf.versions(market.name()).unwrap_or_default();
        for version in versions.iter().rev().filter(|version| *version != refused) {
            match self.shelf.open(market.name(), version) {
                Ok(opened) => {
                    market.serve(opened);
                    tracing::warn!(market = %market.name(), %version, "an older model is in service");
                    return;
                }
                Err(error) => tracing::error!(market = %market.name(), %error, "an older model was refused too"),
            }
        }
    }
}

/// Refreshes now and then, for ever. Opening a model is work for a blocking thread.
pub async fn watch(markets: Arc<Markets>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let markets = markets.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || markets.refresh()).await {
            tracing::error!(%error, "looking for new models failed");
        }
    }
}
