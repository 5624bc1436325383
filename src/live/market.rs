use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use trolley_model::Name;
use trolley_model::artefact::Opened;

use super::erased::{CustomerHash, Erased};
use super::offers::Offer;
use super::rules::Rule;
use super::snapshot::Snapshot;
use super::stock::{Stock, StockUpdate, Updated};
use crate::metrics;
use crate::store::Kind;

/// A market: the snapshot that answers are made from, and what was pushed.
///
/// Readers take the snapshot without a lock. Whoever changes something holds the state's lock while making the next
/// snapshot, so no change is lost and each snapshot has all that was pushed before it.
#[derive(Debug)]
pub struct Market {
    name: Name,
    snapshot: ArcSwapOption<Snapshot>,
    pushed: Mutex<Pushed>,
    changing: Mutex<()>,
    /// It was found when others were in service already.
    late: bool,
}

/// What was pushed for a market.
#[derive(Debug, Default)]
pub struct Pushed {
    /// The offers.
    pub offers: Arc<Vec<Offer>>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The stock.
    pub stock: Stock,
    /// The customers who have been erased.
    pub erased: Erased,
    /// The number of the last change of each kind that is in here.
    seen: BTreeMap<Kind, i64>,
}

impl Pushed {
    /// Offers and stock, and nothing else.
    pub fn new(offers: Vec<Offer>, stock: Stock) -> Self {
        Self { offers: Arc::new(offers), stock, ..Self::default() }
    }
}

impl Market {
    pub(super) fn new(name: Name, late: bool) -> Self {
        metrics::market_known(&name);
        Self { name, snapshot: ArcSwapOption::empty(), pushed: Mutex::default(), changing: Mutex::default(), late }
    }

    /// True if it has a model in service, or was found when others had one: it came by data alone, and its trouble must
    /// not take the others out of service.
    pub fn ready(&self) -> bool {
        self.late || self.snapshot.load().is_some()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What to answer from; `None` while no model is in service.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }

    /// Held from the last look at the pointer `current`, or its move, until the model that it names is in service, so that
    /// of two changes the later one wins.
    pub fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a model into service, with all that was pushed.
    pub fn serve(&self, opened: Opened) {
        let pushed = self.pushed();
        let snapshot = Snapshot::new(opened, &pushed);
        let manifest = snapshot.manifest().clone();
        let before = self.snapshot.swap(Some(Arc::new(snapshot)));
        metrics::model_served(&self.name, &manifest, before.as_ref().map(|before| before.manifest()));
    }

    /// The rules as they were pushed.
    pub fn rules(&self) -> Vec<Rule> {
        self.pushed().rules.clone()
    }

    /// Replaces all offers as one, unless a later change did so before.
    pub fn put_offers(&self, version: i64, offers: Vec<Offer>) {
        self.put(Kind::Offers, version, |pushed| {
            metrics::offers_known(&self.name, offers.len());
            pushed.offers = Arc::new(offers);
        });
    }

    /// Replaces all rules as one, unless a later change did so before.
    pub fn put_rules(&self, version: i64, rules: Vec<Rule>) {
        self.put(Kind::Rules, version, |pushed| {
            metrics::rules_known(&self.name, rules.len());
            pushed.rules = rules;
        });
    }

    /// Forgets some customers.
    pub fn put_erased(&self, customers: Vec<CustomerHash>) {
        let mut pushed = self.pushed();
        let known = pushed.erased.len();
        pushed.erased.extend(customers);
        if pushed.erased.len() == known {
            return;
        }
        metrics::erased_known(&self.name, pushed.erased.len());
        if let Some(snapshot) = self.snapshot() {
            self.snapshot.store(Some(Arc::new(snapshot.without(&pushed.erased))));
        }
    }

    /// The number of the last change of a kind that is in here, 0 if there is none.
    pub(super) fn seen(&self, kind: Kind) -> i64 {
        self.pushed().seen.get(&kind).copied().unwrap_or(0)
    }

    /// All changes of a kind up to this number are in here.
    pub(super) fn saw(&self, kind: Kind, version: i64) {
        let mut pushed = self.pushed();
        let seen = pushed.seen.entry(kind).or_insert(version);
        *seen = version.max(*seen);
    }

    fn put(&self, kind: Kind, version: i64, change: impl FnOnce(&mut Pushed)) {
        let mut pushed = self.pushed();
        if pushed.seen.get(&kind).is_none_or(|&seen| seen < version) {
            pushed.seen.insert(kind, version);
            change(&mut pushed);
            if let Some(snapshot) = self.snapshot() {
                self.snapshot.store(Some(Arc::new(snapshot.with(&pushed))));
            }
        }
    }

    /// Takes in news about the stock.
    pub fn put_stock(&self, updates: &[StockUpdate]) -> Updated {
        let mut pushed = self.pushed();
        let mut news: Vec<(&str, bool)> = Vec::new();
        for update in updates {
            if pushed.stock.update(update) {
                news.push((&update.item, update.in_stock));
            }
        }
        if let Some(snapshot) = self.snapshot().filter(|_| !news.is_empty()) {
            self.snapshot.store(Some(Arc::new(snapshot.with_stock(&pushed.stock, &news))));
        }
        metrics::stock_known(&self.name, pushed.stock.len());
        Updated { accepted: news.len(), stale: updates.len() - news.len() }
    }

    fn pushed(&self) -> MutexGuard<'_, Pushed> {
        // What is pushed is swapped in as a whole: a panic elsewhere leaves it sound.
        self.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
