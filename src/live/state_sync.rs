use std::collections::HashSet;
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::RwLock;

use super::baskets::Basket;
use super::erased::customer_hash;
use super::market::Market;
use super::markets::Markets;
use super::offers::Offer;
use super::rules::Rule;
use super::stock::{StockUpdate, Updated};
use crate::exposures::Exposures;
use crate::low_priority::{low_priority, run_idle};
use crate::secret::Secret;
use crate::store::{
    BasketRow, BasketsPut, DATABASE_TIMEOUT, DatabaseLocation, EventRow, EventsPut, Kind, Shopper, StockPut, StockRow,
    Store, StoreError, StoredBasket,
};
use crate::{metrics, retention};

/// Synchronises pushed state: stores it in the database first, then applies it to the snapshots, here and, as each
/// replica follows the database, on all others.
///
/// A push is acknowledged when it is durable and the next answer from here uses it. Without the database, pushes are
/// refused, and answers go on with the known state.
#[derive(Debug)]
pub struct StateSync {
    pub(super) store: Store,
    pub(super) markets: Arc<Markets>,
    /// The exposure log; customers are erased there too.
    pub(super) exposures: Exposures,
    /// When the database was last read, in Unix milliseconds.
    pub(super) heard: AtomicI64,
    /// Whether the database could be read the last time.
    pub(super) there: AtomicBool,
    /// Which database the snapshots were made from.
    pub(super) loaded: Mutex<Loaded>,
    /// Read-locked to apply a change to the snapshots, write-locked to rebuild them.
    pub(super) renewing: RwLock<()>,
    /// Held while changes without a version of their own are read and applied, so that they are applied in the order in
    /// which they were read.
    pub(super) taking_in: tokio::sync::Mutex<()>,
}

/// The identity of the loaded database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Loaded {
    pub(super) identity: String,
    pub(super) generation: u64,
}

impl StateSync {
    /// Loads the database. If it cannot be reached, it is loaded as soon as it can be; until then all answers are
    /// anonymous, since any customer may have been erased.
    ///
    /// # Errors
    /// If it can be reached but not read.
    pub async fn new(store: Store, markets: Arc<Markets>, exposures: Exposures) -> Result<Self, StoreError> {
        let store = store.with_secret(markets.secret().clone());
        let identity = match store.identity().await {
            Err(error) if error.is_away() => {
                tracing::error!(%error, "starting without the database: all answers are anonymous, and pushes are refused");
                String::new()
            }
            known => known?,
        };
        let loaded = Mutex::new(Loaded { identity, generation: store.generation() });
        let (heard, there, renewing) = (AtomicI64::new(0), AtomicBool::new(true), RwLock::new(()));
        let taking_in = tokio::sync::Mutex::default();
        let state_sync = Self { store, markets, exposures, heard, there, loaded, renewing, taking_in };
        if state_sync.loaded().identity.is_empty() {
            state_sync.there.store(false, Ordering::Relaxed);
            metrics::state_available(false);
            state_sync.markets.all().values().for_each(|market| market.await_state());
        } else {
            state_sync.catch_up().await?;
            state_sync.leave_mark().await;
        }
        Ok(state_sync)
    }

    /// Whether the database could be read the last time.
    pub fn is_whole(&self) -> bool {
        self.there.load(Ordering::Relaxed)
    }

    /// The markets.
    pub fn markets(&self) -> &Arc<Markets> {
        &self.markets
    }

    /// The exposure log.
    pub fn exposures(&self) -> &Exposures {
        &self.exposures
    }

    /// Records events; returns how many of them were new.
    ///
    /// # Errors
    /// As [`StateSync::put_stock`].
    pub async fn put_events(&self, market: &Arc<Market>, events: &[EventRow]) -> Result<usize, StoreError> {
        let put = self.store.put_events(market.name().as_str(), events);
        let apply = async |put: &EventsPut| {
            // If one of these fails, the next reading of the database makes up for it.
            if let Some(version) = put.replacements
                && self.load_replacements(market, version - 1).await.is_ok()
            {
                market.changed(Kind::Replacements, version);
            }
            if let Some(version) = put.dismissals
                && let Ok(rows) = self.store.dismissals_after(market.name().as_str(), version - 1).await
            {
                market.put_dismissals(&rows);
                market.changed(Kind::Dismissals, version);
            }
        };
        Ok(self.commit(put, DATABASE_TIMEOUT, apply).await?.new)
    }

    /// Erases a customer.
    ///
    /// # Errors
    /// As [`StateSync::put_stock`].
    pub async fn erase(&self, market: &Market, customer: &str) -> Result<(), StoreError> {
        let hash = customer_hash(market.secret(), customer);
        // Entries of the log from before there was a secret have another hash of the same customer.
        let before = customer_hash(&Secret::default(), customer);
        let erase = self.store.erase(market.name().as_str(), &hash);
        let forget = async |version: &i64| {
            self.exposures.erase(market.name().as_str(), [hash, before]);
            market.erase(customer);
            market.changed(Kind::Erased, *version);
        };
        self.commit(erase, DATABASE_TIMEOUT, forget).await?;
        // The models folder may not have existed before.
        self.leave_mark().await;
        Ok(())
    }

    /// Applies stock updates.
    ///
    /// # Errors
    /// If the database refuses; then nothing is changed. With [`StoreError::Slow`], the change may still be made.
    pub async fn put_stock(&self, market: &Arc<Market>, updates: &[StockUpdate]) -> Result<Updated, StoreError> {
        let row = |update: &StockUpdate| StockRow {
            item: update.item.clone(),
            store: update.store.clone(),
            in_stock: update.in_stock,
            sequence: update.sequence as i64,
            version: 0,
        };
        let rows: Vec<StockRow> = updates.iter().map(row).collect();
        let put = self.store.put_stock(market.name().as_str(), &rows);
        let apply = async |put: &StockPut| {
            let of_market: Vec<StockUpdate> = updates.iter().filter(|update| update.store.is_none()).cloned().collect();
            market.put_stock(&of_market, put.version);
            if of_market.len() < updates.len() || market.knows_store_stock() {
                // If this fails, the next reading of the database makes up for it.
                _ = self.load_store_stock(market, put.version - 1).await;
            }
            market.changed(Kind::Stock, put.version);
        };
        let timeout = DATABASE_TIMEOUT + A_ROW * u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let StockPut { accepted, .. } = self.commit(put, timeout, apply).await?;
        Ok(Updated { accepted, stale: updates.len() - accepted })
    }

    /// Removes the stock record of an item, including its sequence: in a store if one is given, else for the whole
    /// market.
    ///
    /// # Errors
    /// As [`StateSync::put_stock`].
    pub async fn forget_stock(&self, market: &Arc<Market>, item: &str, store: Option<&str>) -> Result<(), StoreError> {
        if let Some(store) = store {
            let forget = self.store.forget_store_stock(market.name().as_str(), item, store);
            let apply = async |version: &i64| {
                _ = self.load_store_stock(market, version - 1).await;
                market.changed(Kind::Stock, *version);
            };
            self.commit(forget, DATABASE_TIMEOUT, apply).await?;
            return Ok(());
        }
        let forget = self.store.forget_stock(market.name().as_str(), item);
        let apply = async |version: &i64| {
            market.forget_stock(item);
            market.changed(Kind::Stock, *version);
        };
        self.commit(forget, DATABASE_TIMEOUT, apply).await?;
        Ok(())
    }

    /// Records baskets; returns how many of them were new.
    ///
    /// # Errors
    /// As [`StateSync::put_stock`].
    pub async fn put_baskets(&self, market: &Arc<Market>, baskets: &[Basket]) -> Result<usize, StoreError> {
        let shopper = |id: &String| Shopper { id: id.clone(), hash: customer_hash(market.secret(), id) };
        let row = |basket: &Basket| BasketRow {
            id: basket.id.clone(),
            shopper: basket.customer.as_ref().map(shopper),
            bought: basket.time,
            lines: basket.lines.clone(),
        };
        let rows: Vec<BasketRow> = baskets.iter().map(row).collect();
        let put = self.store.put_baskets(market.name().as_str(), &rows);
        let apply = async |put: &BasketsPut| {
            let Some(version) = put.version else { return };
            let new = new_baskets(&rows, put);
            self.apply_baskets(market, new).await;
            market.changed_after(Kind::Baskets, put.previous, version);
        };
        let new = self.commit(put, DATABASE_TIMEOUT, apply).await?.new.len();
        metrics::baskets(market.name(), new as u64);
        Ok(new)
    }

    /// Cancels a basket, whether it has arrived or not.
    ///
    /// # Errors
    /// As [`StateSync::put_stock`].
    pub async fn cancel_basket(&self, market: &Arc<Market>, id: &str) -> Result<(), StoreError> {
        let cancel = self.store.cancel_basket(market.name().as_str(), id);
        let apply = async |version: &Option<i64>| {
            let Some(version) = version else { return };
            // If this fails, the next reading of the database makes up for it.
            if self.load_baskets(market, version - 1).await.is_ok() {
                market.changed(Kind::Baskets, *version);
            }
        };
        self.commit(cancel, DATABASE_TIMEOUT, apply).await?;
        Ok(())
    }

    /// Applies the baskets that were stored or cancelled after a version.
    ///
    /// # Errors
    /// If they can't be read.
    pub(super) async fn load_baskets(&self, market: &Arc<Market>, after: i64) -> Result<(), StoreError> {
        let mut pages = self.store.baskets_after(market.name().as_str(), after);
        while let Some(page) = pages.next().await? {
            self.apply_baskets(market, page).await;
        }
        Ok(())
    }

    /// Applies baskets of the database, many of them off the threads that serve requests.
    async fn apply_baskets(&self, market: &Arc<Market>, baskets: Vec<StoredBasket>) {
        if baskets.len() > MANY_BASKETS {
            self.off_the_answering_threads(market, move |market| market.put_baskets(&baskets)).await;
        } else {
            market.put_baskets(&baskets);
        }
    }

    /// Replaces all offers of a market. False if the sequence is not above the last one; then nothing changes.
    ///
    /// # Errors
    /// As [`StateSync::put_stock`].
    pub async fn put_offers(
        &self,
        market: &Arc<Market>,
        sequence: Option<i64>,
        offers: Vec<Offer>,
    ) -> Result<bool, StoreError> {
        let body = serde_json::to_string(&offers).map_err(StoreError::encoding)?;
        let put = self.store.put_document(market.name().as_str(), Kind::Offers, sequence, &body);
        let apply = async |version: &Option<i64>| {
            if let Some(version) = *version {
                self.off_the_answering_threads(market, move |market| market.put_offers(version, offers)).await;
            }
        };
        Ok(self.commit(put, DATABASE_TIMEOUT, apply).await?.is_some())
    }

    /// Replaces all rules of a market. Returns the same as [`StateSync::put_offers`].
    ///
    /// # Errors
    /// As [`StateSync::put_stock`].
    pub async fn put_rules(
        &self,
        market: &Arc<Market>,
        sequence: Option<i64>,
        rules: Vec<Rule>,
    ) -> Result<bool, StoreError> {
        let body = serde_json::to_string(&rules).map_err(StoreError::encoding)?;
        let put = self.store.put_document(market.name().as_str(), Kind::Rules, sequence, &body);
        let apply = async |version: &Option<i64>| {
            if let Some(version) = *version {
                self.off_the_answering_threads(market, move |market| market.put_rules(version, rules)).await;
            }
        };
        Ok(self.commit(put, DATABASE_TIMEOUT, apply).await?.is_some())
    }

    /// Makes a change durable, then applies it to the snapshots. If it went into another database than the one that
    /// they were made from, because the file was replaced, they are rebuilt before the change counts as done.
    async fn commit<T>(
        &self,
        change: impl Future<Output = Result<T, StoreError>>,
        timeout: Duration,
        apply: impl AsyncFnOnce(&T),
    ) -> Result<T, StoreError> {
        // The content of a SQLite file may have been replaced. This must be detected first, so that the change is not
        // taken for the newest one of the previous content.
        if matches!(self.store.place(), DatabaseLocation::File(_)) {
            with_timeout(DATABASE_TIMEOUT, self.catch_up()).await?;
        }
        let done = {
            let _shared = self.renewing.read().await;
            let done = with_timeout(timeout, change).await;
            metrics::state_writable(done.is_ok());
            let done = done?;
            apply(&done).await;
            done
        };
        if self.store.generation() != self.loaded().generation {
            self.catch_up().await?;
        }
        Ok(done)
    }

    /// Looks for new markets and models, and puts them into service with their pushed state.
    pub async fn refresh(&self) {
        let look = self.markets.clone();
        let newcomers = low_priority(move || look.look()).await;
        // While the database cannot be reached, markets with known state go on. Others answer anonymously, since any
        // customer may have been erased.
        if matches!(newcomers, Ok(true)) && self.catch_up().await.is_err() {
            let markets = self.markets.all();
            markets.values().filter(|market| market.snapshot().is_none()).for_each(|market| market.await_state());
        }
        let open = self.markets.clone();
        let open = move || {
            open.open();
            open.all().values().for_each(|market| market.prepare());
        };
        if newcomers.and(low_priority(open).await).is_err() {
            tracing::error!("looking for new models failed");
        }
    }

    /// Refreshes at regular intervals, for ever.
    pub async fn watch(self: Arc<Self>, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.refresh().await;
        }
    }

    /// Follows the changes of other replicas, for ever.
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

    /// Once a day for ever, removes old baskets, and the models that hold customers who were erased `days` ago.
    pub async fn forget_daily(self: Arc<Self>, days: NonZeroU16) {
        let mut ticks = tokio::time::interval(FORGETTING);
        loop {
            ticks.tick().await;
            for market in self.markets.all().values() {
                if let Some(oldest) = market.oldest_basket()
                    && let Err(error) = self.store.forget_baskets_before(market.name().as_str(), oldest).await
                {
                    tracing::warn!(market = %market.name(), %error, "old baskets could not be removed");
                }
                let Ok(erasures) = self.store.erasures(market.name().as_str()).await else { continue };
                let (registry, market) = (self.markets.registry().clone(), market.clone());
                let forget = move || {
                    let served = market.snapshot().map(|snapshot| snapshot.manifest().version.clone());
                    let now = chrono::Utc::now();
                    let people = retention::Erased { erasures: &erasures, secret: market.secret() };
                    let forgotten =
                        run_idle(|| retention::forget(&registry, market.name(), people, days, served.as_ref(), now));
                    retention::log(market.name(), &forgotten);
                };
                if low_priority(forget).await.is_err() {
                    tracing::error!("looking for models that hold erased customers did not come to its end");
                }
            }
        }
    }

    /// Seconds since the database was last read.
    pub fn age(&self) -> f64 {
        (chrono::Utc::now().timestamp_millis() - self.heard.load(Ordering::Relaxed)) as f64 / 1000.0
    }

    pub(super) fn loaded(&self) -> Loaded {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes next to the models which database holds the state: a training that does not find it stops. Where the
    /// models folder is read-only, the trainer writes this.
    pub(super) async fn leave_mark(&self) {
        let Some(mark) = self.store.mark(self.loaded().identity) else { return };
        let models = self.markets.registry().path().to_owned();
        let left = low_priority(move || mark.write(&models)).await;
        if let Ok(Err(error)) = left {
            tracing::debug!(%error, "the models folder does not say where the state is");
        }
    }
}

/// The baskets that were new, as the database has them.
fn new_baskets(rows: &[BasketRow], put: &BasketsPut) -> Vec<StoredBasket> {
    let (new, anonymous): (HashSet<&String>, HashSet<&String>) =
        (put.new.iter().collect(), put.anonymous.iter().collect());
    let stored = |row: &BasketRow| StoredBasket {
        id: row.id.clone(),
        customer: row.shopper.as_ref().filter(|_| !anonymous.contains(&row.id)).map(|shopper| shopper.id.clone()),
        bought: row.bought,
        lines: row.lines.clone(),
        cancelled: false,
        version: put.version.unwrap_or_default(),
    };
    rows.iter().filter(|row| new.contains(&row.id)).map(stored).collect()
}

/// Number of baskets above which they are applied off the threads that serve requests.
const MANY_BASKETS: usize = 10;

/// Additional time-out per row: 100,000 rows are stored within the time-out of a request.
const A_ROW: Duration = Duration::from_micros(200);

/// Interval between removals of what is too old.
const FORGETTING: Duration = Duration::from_hours(24);

/// Applies a time-out, so that the client learns soon when the database hangs. The change may still be made; to push it
/// again does no harm.
async fn with_timeout<T>(
    timeout: Duration,
    change: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(timeout, change).await.unwrap_or(Err(StoreError::Slow))
}
