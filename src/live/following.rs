use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::baskets::PushedBaskets;
use super::erased::{CustomerHash, customer_hash};
use super::market::Market;
use super::pushed::PushedState;
use super::replacements::ReplacementCounts;
use super::state_sync::{Loaded, StateSync};
use super::stock::Stock;
use super::store_stock::StoreStock;
use crate::low_priority::low_priority;
use crate::metrics;
use crate::secret::Secret;
use crate::store::{Kind, ReplacementRow, StoreError, StoreStockRow};

/// Time-out for reading all changes; the first time, these are everything that was ever pushed.
const READING: Duration = Duration::from_mins(1);

/// Number of items with market-wide updates above which the stock of all stores is reloaded.
const MANY: usize = 1000;

/// What the snapshots are missing.
#[derive(Debug)]
enum Lack {
    Nothing,
    /// The database is another one, or the state of some markets went back: their state is reloaded.
    All(Loaded, Vec<Arc<Market>>),
}

/// How the snapshots follow the database: the changes of other replicas, and a database that was replaced or went back.
impl StateSync {
    /// Applies what is in the database and not known yet.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        // A connection whose other end has vanished would wait for ever.
        let agreed = tokio::time::timeout(READING, self.reconcile()).await.unwrap_or(Err(StoreError::Slow));
        self.there.store(agreed.is_ok(), Ordering::Relaxed);
        metrics::state_available(agreed.is_ok());
        agreed?;
        self.heard.store(chrono::Utc::now().timestamp_millis(), Ordering::Relaxed);
        Ok(())
    }

    async fn reconcile(&self) -> Result<(), StoreError> {
        let mut renewed = false;
        loop {
            let lack = {
                let _shared = self.renewing.read().await;
                self.apply_changes().await?
            };
            let Lack::All(loaded, markets) = lack else { break };
            {
                let _alone = self.renewing.write().await;
                for market in &markets {
                    self.rebuild_market(market).await?;
                }
                *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = loaded;
            }
            tracing::warn!(
                markets = markets.len(),
                "the database went back or is another one: its state was loaded anew"
            );
            renewed = true;
        }
        for market in self.markets.all().values().filter(|market| market.awaits_state()) {
            let _alone = self.renewing.write().await;
            self.rebuild_market(market).await?;
        }
        if renewed {
            self.leave_mark().await;
        }
        Ok(())
    }

    /// Applies new changes, provided that the database is the one that was loaded.
    async fn apply_changes(&self) -> Result<Lack, StoreError> {
        let markets = self.markets.all();
        // Taken before the database is read: otherwise a push in between would look as if the database had gone back.
        let known: Vec<_> = markets.values().map(|market| (market, market.newest())).collect();
        let identity = self.store.identity().await?;
        let versions = self.store.versions().await?;
        let loaded = Loaded { identity, generation: self.store.generation() };
        if loaded != self.loaded() {
            return Ok(Lack::All(loaded, markets.values().cloned().collect()));
        }
        let there: HashMap<(&str, Kind), i64> =
            versions.iter().map(|(market, kind, version)| ((market.as_str(), *kind), *version)).collect();
        let went_back = |(market, newest): &(&Arc<Market>, BTreeMap<Kind, i64>)| {
            let mut newest = newest.iter();
            newest.any(|(kind, known)| there.get(&(market.name().as_str(), *kind)).is_none_or(|there| there < known))
        };
        let back: Vec<Arc<Market>> =
            known.iter().filter(|known| went_back(known)).map(|known| known.0.clone()).collect();
        if !back.is_empty() {
            return Ok(Lack::All(loaded, back));
        }
        for (market, kind, version) in versions {
            let Some(market) = self.markets.get(&market) else { continue };
            let anchor = market.anchor(kind);
            if anchor == Some(version) {
                continue;
            }
            // If the database does not remember the last change seen, that change was probably lost when the database
            // was restored, and others have pushed since.
            if let Some(anchor) = anchor
                && !self.store.remembers(market.name().as_str(), kind, anchor).await?
            {
                return Ok(Lack::All(loaded, vec![market]));
            }
            let seen = market.seen(kind);
            if seen < version {
                self.load(&market, kind, seen).await?;
                market.saw(kind, version);
            }
            market.anchored(kind, version);
        }
        Ok(Lack::Nothing)
    }

    /// Rebuilds the snapshot of a market from the database. Customers who are known as erased here, but not in the
    /// database, are erased there too.
    async fn rebuild_market(&self, market: &Arc<Market>) -> Result<(), StoreError> {
        let name = market.name().as_str();
        let there: HashSet<CustomerHash> = self.store.erased(name).await?.into_iter().collect();
        for customer in market.erased().iter().filter(|customer| !there.contains(customer)) {
            self.store.erase(name, customer).await?;
        }
        let versions = self.store.versions().await?.into_iter().filter(|(market, ..)| market == name);
        let seen: BTreeMap<Kind, i64> = versions.map(|(_, kind, version)| (kind, version)).collect();
        seen.iter().for_each(|(&kind, &version)| metrics::state_version(market.name(), kind, version));
        let mut stock = Stock::default();
        for row in self.store.stock_after(name, 0).await? {
            stock.load(&row.item, row.said(), row.version);
        }
        let offers = self.document(market, Kind::Offers).await?;
        let rules = self.document(market, Kind::Rules).await?;
        let mut pushed = PushedState::new(offers.map(|offers| offers.1).unwrap_or_default(), stock).up_to(seen);
        pushed.rules = Arc::new(rules.map(|rules| rules.1).unwrap_or_default());
        pushed.store_stock = Arc::new(self.store_stock(name).await?);
        let baskets = PushedBaskets::new(market.view().baskets.config().clone());
        let mut pages = self.store.baskets_after(name, 0);
        while let Some(page) = pages.next().await? {
            baskets.load(&page, |_| false);
        }
        pushed.baskets = Arc::new(baskets);
        pushed.dismissals.add(&self.store.dismissals_after(name, 0).await?, |_| false);
        let said = Arc::make_mut(&mut pushed.replacements);
        for ReplacementRow { item, replacement, accepted, rejected } in self.store.replacements_after(name, 0).await? {
            said.put(&item, &replacement, ReplacementCounts { accepted, rejected });
        }
        let customers = self.store.erased(name).await?;
        self.exposures.erase(name, customers.iter().copied());
        Arc::make_mut(&mut pushed.erased).extend(customers);
        self.off_the_answering_threads(market, move |market| market.replace(pushed)).await;
        Ok(())
    }

    /// Applies the stock updates of stores after a change, and the remaining records of stores for items with a
    /// market-wide update after it. If these items are many, all stores are reloaded: there may be as many rows as
    /// stores times items, and only bits of them are held in memory.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) async fn load_store_stock(&self, market: &Arc<Market>, after: i64) -> Result<(), StoreError> {
        let (name, _turn) = (market.name().as_str(), self.taking_in.lock().await);
        let mut of_market = Vec::new();
        if after > 0 {
            of_market.extend(self.store.stock_after(name, after).await?.into_iter().map(|row| row.item));
        }
        if after == 0 || of_market.len() > MANY {
            let stock = self.store_stock(name).await?;
            self.off_the_answering_threads(market, move |market| market.put_store_stock(stock)).await;
            return Ok(());
        }
        let mut rows = Vec::new();
        self.store.store_stock_after(name, after, |row| rows.push(row)).await?;
        self.off_the_answering_threads(market, move |market| market.load_store_stock(&of_market, &rows)).await;
        Ok(())
    }

    /// Applies the counts of replacements that changed after a version.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) async fn load_replacements(&self, market: &Arc<Market>, after: i64) -> Result<(), StoreError> {
        let _turn = self.taking_in.lock().await;
        let rows = self.store.replacements_after(market.name().as_str(), after).await?;
        self.off_the_answering_threads(market, move |market| market.load_replacements(&rows)).await;
        Ok(())
    }

    async fn store_stock(&self, market: &str) -> Result<StoreStock, StoreError> {
        let mut stock = StoreStock::default();
        let said = |row: StoreStockRow| stock.say(&row.store, &row.item, row.in_stock);
        self.store.store_stock_after(market, 0, said).await?;
        Ok(stock)
    }

    /// Applies changes that are newer than `seen` to the market's snapshot.
    async fn load(&self, market: &Arc<Market>, kind: Kind, seen: i64) -> Result<(), StoreError> {
        let name = market.name().as_str();
        match kind {
            Kind::Stock => {
                market.load_stock(&self.store.stock_after(name, seen).await?);
                self.load_store_stock(market, seen).await?;
            }
            Kind::Erased => {
                let (customers, known) = (self.store.erased(name).await?, market.erased());
                let new: Vec<_> = customers.into_iter().filter(|customer| !known.contains(customer)).collect();
                if !new.is_empty() {
                    self.exposures.erase(name, new.iter().copied());
                    let exposures = self.exposures.clone();
                    let forget = move |market: &Market| {
                        // Entries of the log from before there was a secret have other hashes of the same customers.
                        let before = market.ids_of(&new).into_iter().map(|id| customer_hash(&Secret::default(), &id));
                        exposures.erase(market.name().as_str(), before);
                        market.put_erased(new);
                    };
                    self.off_the_answering_threads(market, forget).await;
                }
            }
            Kind::Offers => {
                if let Some((version, offers)) = self.document(market, kind).await? {
                    self.off_the_answering_threads(market, move |market| market.put_offers(version, offers)).await;
                }
            }
            Kind::Baskets => {
                self.load_baskets(market, seen).await?;
            }
            Kind::Dismissals => market.put_dismissals(&self.store.dismissals_after(name, seen).await?),
            Kind::Replacements => {
                self.load_replacements(market, seen).await?;
            }
            Kind::Rules => {
                if let Some((version, rules)) = self.document(market, kind).await? {
                    self.off_the_answering_threads(market, move |market| market.put_rules(version, rules)).await;
                }
            }
        }
        Ok(())
    }

    /// All offers or all rules of a market. `None` if they cannot be parsed, since a newer release may have written
    /// them: those in service stay.
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

    /// Runs work that may take long, such as a scan of all customers of a model, at low priority.
    pub(super) async fn off_the_answering_threads(
        &self,
        market: &Arc<Market>,
        work: impl FnOnce(&Market) + Send + 'static,
    ) {
        let market = market.clone();
        if low_priority(move || work(&market)).await.is_err() {
            tracing::error!("work on what was pushed did not come to its end");
        }
    }
}
