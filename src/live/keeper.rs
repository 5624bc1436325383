use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::erased::{CustomerHash, customer_hash};
use super::market::Market;
use super::markets::Markets;
use super::offers::Offer;
use super::rules::Rule;
use super::stock::{StockUpdate, Updated};
use crate::background::background;
use crate::exposures::Exposures;
use crate::metrics;
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
}

impl Keeper {
    /// Takes in all that is in the database.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn new(store: Store, markets: Arc<Markets>, exposures: Exposures) -> Result<Self, StoreError> {
        let keeper = Self { store, markets, exposures, heard: AtomicI64::new(0) };
        keeper.catch_up().await?;
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
        patiently(self.store.put_events(market.name().as_str(), events, chrono::Utc::now().timestamp())).await
    }

    /// Forgets a customer.
    ///
    /// # Errors
    /// As [`Keeper::put_stock`].
    pub async fn erase(&self, market: &Market, customer: &str) -> Result<(), StoreError> {
        let customer = customer_hash(customer);
        patiently(self.store.erase(market.name().as_str(), customer.to_hex().as_str())).await?;
        self.erased(market, vec![customer]);
        Ok(())
    }

    fn erased(&self, market: &Market, customers: Vec<CustomerHash>) {
        self.exposures.erase(market.name().as_str(), customers.iter().copied());
        market.put_erased(customers);
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
        let accepted = patiently(self.store.put_stock(market.name().as_str(), &rows)).await?;
        market.put_stock(updates);
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
        let version = patiently(put).await?;
        if let Some(version) = version {
            market.put_offers(version, offers);
        }
        Ok(version.is_some())
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
        let version = patiently(put).await?;
        if let Some(version) = version {
            market.put_rules(version, rules);
        }
        Ok(version.is_some())
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

    /// How long ago the database was last heard of, in seconds.
    pub fn age(&self) -> f64 {
        (chrono::Utc::now().timestamp_millis() - self.heard.load(Ordering::Relaxed)) as f64 / 1000.0
    }

    /// Takes in what is in the database and not known yet.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let catch_up = async {
            for (market, kind, version) in self.store.versions().await? {
                let Some(market) = self.markets.get(&market) else { continue };
                let seen = market.seen(kind);
                if seen < version {
                    self.load(&market, kind, seen).await?;
                    market.saw(kind, version);
                }
            }
            Ok(())
        };
        // A connection whose other end has vanished says nothing for ever.
        tokio::time::timeout(READING, catch_up).await.unwrap_or(Err(StoreError::Slow))?;
        self.heard.store(chrono::Utc::now().timestamp_millis(), Ordering::Relaxed);
        Ok(())
    }

    /// Brings what is newer than `seen` into the market's snapshot.
    async fn load(&self, market: &Market, kind: Kind, seen: i64) -> Result<(), StoreError> {
        let name = market.name().as_str();
        if kind == Kind::Stock {
            let rows = self.store.stock_after(name, seen).await?;
            let update = |row: StockRow| StockUpdate {
                item: row.item,
                in_stock: row.in_stock,
                sequence: u64::try_from(row.sequence).unwrap_or(0),
            };
            market.put_stock(&rows.into_iter().map(update).collect::<Vec<_>>());
            return Ok(());
        }
        if kind == Kind::Erased {
            let customers = self.store.erased(name).await?;
            let hash = |text: &String| CustomerHash::from_hex(text).ok();
            self.erased(market, customers.iter().filter_map(hash).collect());
            return Ok(());
        }
        let Some((found, body)) = self.store.document(name, kind).await? else { return Ok(()) };
        let unreadable = |error: serde_json::Error| {
            // A newer release may write what this one does not know: what is in service stays.
            tracing::error!(market = name, %error, "what was pushed cannot be understood");
            metrics::state_refused(market.name());
        };
        if kind == Kind::Offers {
            serde_json::from_str(&body).map_or_else(unreadable, |offers| market.put_offers(found, offers));
        } else {
            serde_json::from_str(&body).map_or_else(unreadable, |rules| market.put_rules(found, rules));
        }
        Ok(())
    }
}

/// Taking in all changes may take so long: a first time it is everything that was ever pushed.
const READING: Duration = Duration::from_mins(1);

/// Who pushes is told soon when the database hangs. The change may be made all the same: pushed again, it does no harm.
async fn patiently<T>(change: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, change).await.unwrap_or(Err(StoreError::Slow))
}
