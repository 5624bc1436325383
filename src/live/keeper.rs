use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::RwLock;

use super::erased::{CustomerHash, customer_hash};
use super::market::{Market, Pushed};
use super::markets::Markets;
use super::offers::Offer;
use super::rules::Rule;
use super::stock::{Stock, StockUpdate, Updated};
use crate::background::{background, when_idle};
use crate::exposures::Exposures;
use crate::metrics;
use crate::retention;
use crate::store::{EventRow, Kind, PATIENCE, StockRow, Store, StoreError};

/// Keeps what is pushed: first in the database, then in the snapshots that answers are made from, here and, by looking
/// what others have pushed, on every replica.
///
/// A push is acknowledged when it is durable and the next answer from here knows it. Without the database there are no
/// pushes; answers go on from what is known.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    markets: Arc<Markets>,
    /// Where answers are written down; customers are erased there too.
    exposures: Exposures,
    /// When the database was last heard of, in Unix milliseconds.
    heard: AtomicI64,
    /// Which database the snapshots are of.
    loaded: Mutex<Loaded>,
    /// Shared by all who bring a change into the snapshots; held alone while these are made anew.
    renewing: RwLock<()>,
}

/// Which database was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Loaded {
    identity: String,
    generation: u64,
}

/// What the snapshots lack.
#[derive(Debug)]
enum Lack {
    Nothing,
    /// The database is another one, or that of some markets went back: what was pushed for them is loaded anew.
    All(Loaded, Vec<Arc<Market>>),
}

impl Keeper {
    /// Takes in all that is in the database.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn new(store: Store, markets: Arc<Markets>, exposures: Exposures) -> Result<Self, StoreError> {
        let identity = store.identity().await?;
        let loaded = Mutex::new(Loaded { identity, generation: store.generation() });
        let (heard, renewing) = (AtomicI64::new(0), RwLock::new(()));
        let keeper = Self { store, markets, exposures, heard, loaded, renewing };
        keeper.catch_up().await?;
        keeper.leave_mark().await;
        Ok(keeper)
    }

    /// The markets.
    pub fn markets(&self) -> &Arc<Markets> {
        &self.markets
    }

    /// Where answers are written down.
    pub fn exposures(&self) -> &Exposures {
        &self.exposures
    }

    /// Takes in what customers did; returns how much of it was new.
    ///
    /// # Errors
    /// As [`Keeper::put_stock`].
    pub async fn put_events(&self, market: &Market, events: &[EventRow]) -> Result<usize, StoreError> {
        self.keep(self.store.put_events(market.name().as_str(), events), |_| {}).await
    }

    /// Forgets a customer.
    ///
    /// # Errors
    /// As [`Keeper::put_stock`].
    pub async fn erase(&self, market: &Market, customer: &str) -> Result<(), StoreError> {
        let hash = customer_hash(customer);
        let kept = hash.to_hex();
        let erase = self.store.erase(market.name().as_str(), kept.as_str());
        let forget = |_: &i64| {
            self.exposures.erase(market.name().as_str(), [hash]);
            market.erase(customer);
        };
        self.keep(erase, forget).await?;
        // The models folder may not have been there before.
        self.leave_mark().await;
        Ok(())
    }

    /// Takes in news about the stock.
    ///
    /// # Errors
    /// If the database refuses; then nothing is changed.
    pub async fn put_stock(&self, market: &Market, updates: &[StockUpdate]) -> Result<Updated, StoreError> {
        let row = |update: &StockUpdate| StockRow {
            item: update.item.clone(),
            in_stock: update.in_stock,
            sequence: update.sequence as i64,
        };
        let rows: Vec<StockRow> = updates.iter().map(row).collect();
        let put = self.store.put_stock(market.name().as_str(), &rows);
        let apply = |_: &usize| {
            market.put_stock(updates);
        };
        let accepted = self.keep(put, apply).await?;
        Ok(Updated { accepted, stale: updates.len() - accepted })
    }

    /// Replaces all offers of a market as one. False if their sequence is not above the last one: then nothing changes.
    ///
    /// # Errors
    /// As [`Keeper::put_stock`].
    pub async fn put_offers(
        &self,
        market: &Market,
        sequence: Option<i64>,
        offers: Vec<Offer>,
    ) -> Result<bool, StoreError> {
        let body = serde_json::to_string(&offers).map_err(StoreError::encoding)?;
        let put = self.store.put_document(market.name().as_str(), Kind::Offers, sequence, &body);
        let apply = |version: &Option<i64>| {
            if let Some(version) = *version {
                market.put_offers(version, offers);
            }
        };
        Ok(self.keep(put, apply).await?.is_some())
    }

    /// Replaces all rules of a market as one. False as of [`Keeper::put_offers`].
    ///
    /// # Errors
    /// As [`Keeper::put_stock`].
    pub async fn put_rules(
        &self,
        market: &Market,
        sequence: Option<i64>,
        rules: Vec<Rule>,
    ) -> Result<bool, StoreError> {
        let body = serde_json::to_string(&rules).map_err(StoreError::encoding)?;
        let put = self.store.put_document(market.name().as_str(), Kind::Rules, sequence, &body);
        let apply = |version: &Option<i64>| {
            if let Some(version) = *version {
                market.put_rules(version, rules);
            }
        };
        Ok(self.keep(put, apply).await?.is_some())
    }

    /// Makes a change durable and then applies it to the snapshots. If it went into another database than they are of,
    /// because a file was replaced, they are made anew from that one before it counts as done.
    async fn keep<T>(
        &self,
        change: impl Future<Output = Result<T, StoreError>>,
        apply: impl FnOnce(&T),
    ) -> Result<T, StoreError> {
        let done = {
            let _shared = self.renewing.read().await;
            let done = patiently(change).await?;
            apply(&done);
            done
        };
        if self.store.generation() != self.loaded().generation {
            self.catch_up().await?;
        }
        Ok(done)
    }

    /// Looks for new markets and new models and puts them into service, with all that was pushed for them.
    pub async fn refresh(&self) {
        let look = self.markets.clone();
        let newcomers = background(move || look.look()).await;
        // While the database is away, markets whose state is known go on; others wait, for they may have erased customers.
        let known = match newcomers {
            Ok(true) => self.catch_up().await.is_ok(),
            _ => true,
        };
        let open = self.markets.clone();
        if newcomers.and(background(move || open.open(known)).await).is_err() {
            tracing::error!("looking for new models failed");
        }
    }

    /// Refreshes now and then, for ever.
    pub async fn watch(self: Arc<Self>, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.refresh().await;
        }
    }

    /// Follows the changes of others, for ever.
    pub async fn follow(self: Arc<Self>) {
        let mut changes = self.store.changes();
        let mut well = true;
        loop {
            changes.next().await;
            let now = self.catch_up().await;
            match &now {
                Err(error) if well => tracing::error!(%error, "the state cannot be read: answers go on as they are"),
                Ok(()) if !well => tracing::info!("the state can be read again"),
                _ => {}
            }
            well = now.is_ok();
        }
    }

    /// Removes the models that hold customers who were erased so many days ago, once a day for ever.
    pub async fn forget_in_models(self: Arc<Self>, days: NonZeroU16) {
        let mut ticks = tokio::time::interval(FORGETTING);
        loop {
            ticks.tick().await;
            for market in self.markets.all().values() {
                let Ok(erasures) = self.store.erasures(market.name().as_str()).await else { continue };
                let (shelf, market) = (self.markets.shelf().clone(), market.clone());
                let forget = move || {
                    let served = market.snapshot().map(|snapshot| snapshot.manifest().version.clone());
                    let now = chrono::Utc::now();
                    let forgotten =
                        when_idle(|| retention::forget(&shelf, market.name(), &erasures, days, served.as_ref(), now));
                    retention::log(market.name(), &forgotten);
                };
                if background(forget).await.is_err() {
                    tracing::error!("looking for models that hold erased customers did not come to its end");
                }
            }
        }
    }

    /// How long ago the database was last heard of, in seconds.
    pub fn age(&self) -> f64 {
        (chrono::Utc::now().timestamp_millis() - self.heard.load(Ordering::Relaxed)) as f64 / 1000.0
    }

    /// Takes in what is in the database and not known yet.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        // A connection whose other end has vanished says nothing for ever.
        tokio::time::timeout(READING, self.agree()).await.unwrap_or(Err(StoreError::Slow))?;
        self.heard.store(chrono::Utc::now().timestamp_millis(), Ordering::Relaxed);
        Ok(())
    }

    async fn agree(&self) -> Result<(), StoreError> {
        let mut renewed = false;
        loop {
            let lack = {
                let _shared = self.renewing.read().await;
                self.take_in().await?
            };
            let Lack::All(loaded, markets) = lack else { break };
            {
                let _alone = self.renewing.write().await;
                for market in &markets {
                    self.renew(market).await?;
                }
                *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = loaded;
            }
            tracing::warn!(
                markets = markets.len(),
                "the database went back or is another one: its state was loaded anew"
            );
            renewed = true;
        }
        if renewed {
            self.leave_mark().await;
        }
        Ok(())
    }

    /// Takes in what is new, as far as the database is the one that was loaded.
    async fn take_in(&self) -> Result<Lack, StoreError> {
        let markets = self.markets.all();
        // Before the database is read: what is pushed meanwhile must not look as if that had gone back.
        let known: Vec<_> = markets.values().map(|market| (market, market.seen_of_all())).collect();
        let identity = self.store.identity().await?;
        let versions = self.store.versions().await?;
        let loaded = Loaded { identity, generation: self.store.generation() };
        if loaded != self.loaded() {
            return Ok(Lack::All(loaded, markets.values().cloned().collect()));
        }
        let there: HashMap<(&str, Kind), i64> =
            versions.iter().map(|(market, kind, version)| ((market.as_str(), *kind), *version)).collect();
        let went_back = |(market, seen): &(&Arc<Market>, BTreeMap<Kind, i64>)| {
            seen.iter().any(|(kind, seen)| there.get(&(market.name().as_str(), *kind)).is_none_or(|there| there < seen))
        };
        let back: Vec<Arc<Market>> =
            known.iter().filter(|known| went_back(known)).map(|known| known.0.clone()).collect();
        if !back.is_empty() {
            return Ok(Lack::All(loaded, back));
        }
        for (market, kind, version) in versions {
            let Some(market) = self.markets.get(&market) else { continue };
            let seen = market.seen(kind);
            if seen < version {
                self.load(&market, kind, seen).await?;
                market.saw(kind, version);
            }
        }
        Ok(Lack::Nothing)
    }

    /// Makes a market's snapshot anew from the database. Who is known to be erased here and not there is erased there too.
    async fn renew(&self, market: &Arc<Market>) -> Result<(), StoreError> {
        let name = market.name().as_str();
        let there: HashSet<String> = self.store.erased(name).await?.into_iter().collect();
        for customer in market.erased().iter().map(|customer| customer.to_hex().to_string()) {
            if !there.contains(&customer) {
                self.store.erase(name, &customer).await?;
            }
        }
        let versions = self.store.versions().await?.into_iter().filter(|(market, ..)| market == name);
        let seen: BTreeMap<Kind, i64> = versions.map(|(_, kind, version)| (kind, version)).collect();
        let mut stock = Stock::default();
        for row in self.store.stock_after(name, 0).await? {
            stock.update(&update(row));
        }
        let offers = self.document(market, Kind::Offers).await?;
        let rules = self.document(market, Kind::Rules).await?;
        let mut pushed = Pushed::new(offers.map(|offers| offers.1).unwrap_or_default(), stock).up_to(seen);
        pushed.rules = Arc::new(rules.map(|rules| rules.1).unwrap_or_default());
        let customers = self.erased_of(name).await?;
        self.exposures.erase(name, customers.iter().copied());
        Arc::make_mut(&mut pushed.erased).extend(customers);
        self.off_the_answering_threads(market, move |market| market.replace(pushed)).await;
        Ok(())
    }

    fn loaded(&self) -> Loaded {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves word beside the models that there is a state, and where: a training that does not find it stops. Where the
    /// models can't be written, the trainer leaves it.
    async fn leave_mark(&self) {
        let Some(mark) = self.store.mark(self.loaded().identity) else { return };
        let models = self.markets.shelf().path().to_owned();
        let left = background(move || mark.write(&models)).await;
        if let Ok(Err(error)) = left {
            tracing::debug!(%error, "the models folder does not say where the state is");
        }
    }

    /// Brings what is newer than `seen` into the market's snapshot.
    async fn load(&self, market: &Arc<Market>, kind: Kind, seen: i64) -> Result<(), StoreError> {
        let name = market.name().as_str();
        match kind {
            Kind::Stock => {
                let rows = self.store.stock_after(name, seen).await?;
                market.put_stock(&rows.into_iter().map(update).collect::<Vec<_>>());
            }
            Kind::Erased => {
                let (customers, known) = (self.erased_of(name).await?, market.erased());
                let new: Vec<_> = customers.into_iter().filter(|customer| !known.contains(customer)).collect();
                if !new.is_empty() {
                    self.exposures.erase(name, new.iter().copied());
                    self.off_the_answering_threads(market, move |market| market.put_erased(new)).await;
                }
            }
            Kind::Offers => {
                if let Some((version, offers)) = self.document(market, kind).await? {
                    market.put_offers(version, offers);
                }
            }
            Kind::Rules => {
                if let Some((version, rules)) = self.document(market, kind).await? {
                    market.put_rules(version, rules);
                }
            }
        }
        Ok(())
    }

    /// What is kept as a whole. A newer release may write what this one does not know: then `None`, and what is in
    /// service stays.
    async fn document<T: DeserializeOwned>(&self, market: &Market, kind: Kind) -> Result<Option<(i64, T)>, StoreError> {
        let Some((version, body)) = self.store.document(market.name().as_str(), kind).await? else { return Ok(None) };
        match serde_json::from_str(&body) {
            Ok(document) => Ok(Some((version, document))),
            Err(error) => {
                tracing::error!(market = %market.name(), %error, "what was pushed cannot be understood");
                metrics::state_refused(market.name());
                Ok(None)
            }
        }
    }

    async fn erased_of(&self, market: &str) -> Result<Vec<CustomerHash>, StoreError> {
        let customers = self.store.erased(market).await?;
        Ok(customers.iter().filter_map(|text| CustomerHash::from_hex(text).ok()).collect())
    }

    /// Does what looks at all customers of a model.
    async fn off_the_answering_threads(&self, market: &Arc<Market>, work: impl FnOnce(&Market) + Send + 'static) {
        let market = market.clone();
        if background(move || work(&market)).await.is_err() {
            tracing::error!("work on what was pushed did not come to its end");
        }
    }
}

fn update(row: StockRow) -> StockUpdate {
    StockUpdate { item: row.item, in_stock: row.in_stock, sequence: u64::try_from(row.sequence).unwrap_or(0) }
}

/// How often models are looked through for customers who must not be in them any more.
const FORGETTING: Duration = Duration::from_hours(24);

/// Taking in all changes may take so long: a first time it is everything that was ever pushed.
const READING: Duration = Duration::from_mins(1);

/// Who pushes is told soon when the database hangs. The change may be made all the same: pushed again, it does no harm.
async fn patiently<T>(change: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, change).await.unwrap_or(Err(StoreError::Slow))
}
