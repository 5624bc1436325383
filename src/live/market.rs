use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::Utc;
use trolley_model::artefact::Opened;
use trolley_model::{Model, MustMatch, Name, Sensitive};

use super::active_offers::OfferBook;
use super::erased::{CustomerHash, Erased, customer_hash, numbers_of};
use super::offers::Offer;
use super::replacements::{Replacements, Taken};
use super::rules::Rule;
use super::snapshot::Snapshot;
use super::stock::Stock;
use super::store_stock::StoreStock;
use crate::metrics;
use crate::secret::Secret;
use crate::store::{Kind, ReplacementRow};

/// A market: the snapshot that answers are made from, and what was pushed.
///
/// Readers take the snapshot without a lock. Whoever changes something takes it into `pushed`, whose lock is held for
/// look-ups only, and then makes the next snapshot from what `pushed` has by then, one after the other: so no change is
/// lost, and nobody who asks what was pushed waits for a snapshot to be made.
#[derive(Debug)]
pub struct Market {
    name: Name,
    pub(super) snapshot: ArcSwapOption<Snapshot>,
    pushed: Mutex<Pushed>,
    /// Held while the snapshot is replaced.
    building: Mutex<()>,
    changing: Mutex<()>,
    secret: Arc<Secret>,
    /// The versions that have been in service here.
    served: Mutex<BTreeSet<Name>>,
    /// It was found when others were in service already.
    late: bool,
}

/// What the config says of a market.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What is sensitive.
    pub sensitive: Sensitive,
    /// In which attributes alternatives must be the same.
    pub must_match: Vec<MustMatch>,
}

/// What was pushed for a market, and what the config says of it. Copies share what they hold.
#[derive(Clone, Debug, Default)]
pub struct Pushed {
    /// The offers.
    pub offers: Arc<OfferBook>,
    /// The rules.
    pub rules: Arc<Vec<Rule>>,
    /// The stock.
    pub stock: Arc<Stock>,
    /// And that of each store.
    pub store_stock: Arc<StoreStock>,
    /// The customers who have been erased.
    pub erased: Arc<Erased>,
    /// What is sensitive, by the config.
    pub sensitive: Arc<Sensitive>,
    /// In which attributes alternatives must be the same, by the config.
    pub must_match: Arc<Vec<MustMatch>>,
    /// What customers said of replacements.
    pub replacements: Arc<Replacements>,
    /// Whether what was pushed is not known: then neither is who has been erased, and all answers are anonymous.
    pub awaited: bool,
    /// The number of the last change of each kind up to which all changes are in here.
    seen: BTreeMap<Kind, i64>,
    /// The number of the newest change of each kind that is in here. If the database has only older ones, it went back.
    newest: BTreeMap<Kind, i64>,
    /// The last change of each kind that the database was seen to have come by.
    anchors: BTreeMap<Kind, i64>,
    /// Counts the changes.
    pub(super) revision: u64,
}

impl Pushed {
    /// Offers and stock, and nothing else.
    pub fn new(offers: Vec<Offer>, stock: Stock) -> Self {
        Self { offers: Arc::new(OfferBook::new(offers)), stock: Arc::new(stock), ..Self::default() }
    }

    /// The numbers of the last changes of each kind that are in here.
    #[must_use]
    pub fn up_to(self, seen: BTreeMap<Kind, i64>) -> Self {
        Self { newest: seen.clone(), anchors: seen.clone(), seen, ..self }
    }

    fn note(&mut self, kind: Kind, version: i64) {
        let newest = self.newest.entry(kind).or_insert(version);
        *newest = version.max(*newest);
    }
}

/// A new model's snapshot is brought up to date so often without holding up pushes.
const CATCHING_UP: usize = 10;

impl Market {
    pub(super) fn new(name: Name, late: bool, policy: Policy, secret: Arc<Secret>) -> Self {
        metrics::market_known(&name);
        let Policy { sensitive, must_match } = policy;
        let (sensitive, must_match) = (Arc::new(sensitive), Arc::new(must_match));
        let erased = Arc::new(Erased::new(secret.clone()));
        Self {
            name,
            snapshot: ArcSwapOption::empty(),
            pushed: Mutex::new(Pushed { erased, sensitive, must_match, ..Pushed::default() }),
            secret,
            building: Mutex::default(),
            changing: Mutex::default(),
            served: Mutex::default(),
            late,
        }
    }

    /// What the hashes of customers and the IDs of answers are made with.
    pub fn secret(&self) -> &Secret {
        &self.secret
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

    /// Whether a version takes this market back: to an older one, or to one that was in service before.
    pub(super) fn goes_back_to(&self, version: &Name) -> bool {
        let has_served = || self.served.lock().unwrap_or_else(PoisonError::into_inner).contains(version);
        self.snapshot().is_some_and(|snapshot| *version < snapshot.manifest().version) || has_served()
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
        let mut pushed = self.view();
        let unknown = pushed.sensitive.unknown(opened.model.catalogue());
        if !unknown.is_empty() {
            let market = &self.name;
            tracing::warn!(%market, ?unknown, "the config calls categories sensitive that the model does not have");
        }
        let mut snapshot = Snapshot::new(opened, &pushed);
        // What was pushed while it was made is taken in as well.
        for _ in 0..CATCHING_UP {
            let now = self.view();
            if now.revision == pushed.revision {
                break;
            }
            snapshot = snapshot.renewed(&now);
            pushed = now;
        }
        let building = self.building();
        let now = self.view();
        if now.revision != pushed.revision {
            snapshot = snapshot.renewed(&now);
        }
        snapshot.prepare(Utc::now());
        let manifest = snapshot.manifest().clone();
        self.served.lock().unwrap_or_else(PoisonError::into_inner).insert(manifest.version.clone());
        let before = self.snapshot.swap(Some(Arc::new(snapshot)));
        drop(building);
        metrics::model_served(&self.name, &manifest, before.as_ref().map(|before| before.manifest()));
    }

    /// The rules as they were pushed.
    pub fn rules(&self) -> Arc<Vec<Rule>> {
        self.pushed().rules.clone()
    }

    /// The customers who have been erased.
    pub fn erased(&self) -> Arc<Erased> {
        self.pushed().erased.clone()
    }

    /// Replaces all offers as one, unless a later change did so before.
    pub fn put_offers(&self, version: i64, offers: Vec<Offer>) {
        let (count, book) = (offers.len(), Arc::new(OfferBook::new(offers)));
        if self.put(Kind::Offers, version, |pushed| pushed.offers = book) {
            metrics::offers_known(&self.name, count);
        }
    }

    /// Replaces all rules as one, unless a later change did so before.
    pub fn put_rules(&self, version: i64, rules: Vec<Rule>) {
        let (count, rules) = (rules.len(), Arc::new(rules));
        if self.put(Kind::Rules, version, |pushed| pushed.rules = rules) {
            metrics::rules_known(&self.name, count);
        }
    }

    /// Takes in how often customers took some items in the place of others.
    pub(super) fn load_replacements(&self, rows: &[ReplacementRow]) {
        if rows.is_empty() {
            return;
        }
        {
            let mut pushed = self.pushed();
            let said = Arc::make_mut(&mut pushed.replacements);
            for ReplacementRow { item, replacement, accepted, rejected } in rows {
                said.put(item, replacement, Taken { accepted: *accepted, rejected: *rejected });
            }
            pushed.revision += 1;
        }
        let _building = self.building();
        if let Some(snapshot) = self.snapshot() {
            self.snapshot.store(Some(Arc::new(snapshot.with_replacements(&self.view()))));
        }
    }

    /// Forgets the customer of this ID.
    pub fn erase(&self, id: &str) {
        if !self.remember_erased([customer_hash(&self.secret, id)]).is_empty() {
            self.forget(|model| model.histories().customers().position(id).into_iter().collect());
        }
    }

    /// Forgets the customers of these hashes. Looks at all customers of the model, if any hash is new.
    pub fn put_erased(&self, customers: impl IntoIterator<Item = CustomerHash>) {
        let new: HashSet<CustomerHash> = self.remember_erased(customers).into_iter().collect();
        if !new.is_empty() {
            self.forget(|model| numbers_of(&new, &self.secret, model));
        }
    }

    /// The IDs of some customers, of those that the model in service knows. Looks at all of its customers.
    pub(super) fn ids_of(&self, wanted: &[CustomerHash]) -> Vec<String> {
        let Some(snapshot) = self.snapshot() else { return Vec::new() };
        let (model, wanted) = (snapshot.model(), wanted.iter().copied().collect());
        let known = numbers_of(&wanted, &self.secret, model);
        known.into_iter().map(|customer| model.histories().customers().get(customer).to_owned()).collect()
    }

    /// Those of some customers who were not known to be erased, and are from now on.
    fn remember_erased(&self, customers: impl IntoIterator<Item = CustomerHash>) -> Vec<CustomerHash> {
        let mut pushed = self.pushed();
        let mut customers =
            customers.into_iter().filter(|customer| !pushed.erased.contains(customer)).collect::<Vec<_>>();
        if !customers.is_empty() {
            customers = Arc::make_mut(&mut pushed.erased).extend(customers);
            pushed.revision += 1;
            metrics::erased_known(&self.name, pushed.erased.len());
        }
        customers
    }

    /// Takes customers out of the snapshot. They are looked up in its model first, while nothing is held up.
    fn forget(&self, numbers: impl Fn(&Model) -> Vec<u32>) {
        while let Some(snapshot) = self.snapshot() {
            let model = snapshot.shared_model();
            let customers = numbers(&model);
            let _building = self.building();
            // Another model may have come meanwhile.
            if let Some(snapshot) = self.snapshot().filter(|snapshot| snapshot.is_of(&model)) {
                self.snapshot.store(Some(Arc::new(snapshot.without(customers))));
                return;
            }
        }
    }

    /// What was pushed is not known until it is replaced. Who may have been erased is not known either: until then every
    /// customer is answered as one who is not known.
    pub(super) fn await_state(&self) {
        {
            let mut pushed = self.pushed();
            pushed.awaited = true;
            pushed.revision += 1;
        }
        self.rebuild(Snapshot::renewed);
    }

    /// Whether what was pushed is not known yet.
    pub fn awaits_state(&self) -> bool {
        self.pushed().awaited
    }

    /// Replaces all that was pushed: the database is another one, or went back. Who was erased stays erased.
    pub fn replace(&self, mut loaded: Pushed) {
        let known = self.view();
        let mut erased = Erased::clone(&known.erased);
        erased.extend(loaded.erased.iter().copied());
        loaded.erased = Arc::new(erased);
        loaded.revision = known.revision + 1;
        loaded.sensitive = known.sensitive;
        loaded.must_match = known.must_match;
        metrics::offers_known(&self.name, loaded.offers.offers().len());
        metrics::rules_known(&self.name, loaded.rules.len());
        metrics::stock_known(&self.name, loaded.stock.len());
        metrics::erased_known(&self.name, loaded.erased.len());
        *self.pushed() = loaded;
        self.rebuild(Snapshot::renewed);
    }

    /// The number of the last change of a kind that is in here, 0 if there is none.
    pub(super) fn seen(&self, kind: Kind) -> i64 {
        self.pushed().seen.get(&kind).copied().unwrap_or(0)
    }

    /// The number of the newest change of each kind that is known of, of those that there was any of.
    pub(super) fn newest(&self) -> BTreeMap<Kind, i64> {
        self.pushed().newest.clone()
    }

    /// The last change of a kind that the database was seen to have come by, if any.
    pub(super) fn anchor(&self, kind: Kind) -> Option<i64> {
        self.pushed().anchors.get(&kind).copied()
    }

    /// The database has come by this change.
    pub(super) fn anchored(&self, kind: Kind, version: i64) {
        self.pushed().anchors.insert(kind, version);
        metrics::state_version(&self.name, kind, version);
    }

    /// A change of this number was made here. Others may have made some before that are not known yet.
    pub(super) fn changed(&self, kind: Kind, version: i64) {
        self.pushed().note(kind, version);
    }

    /// All changes of a kind up to this number are in here.
    pub(super) fn saw(&self, kind: Kind, version: i64) {
        let mut pushed = self.pushed();
        let seen = pushed.seen.entry(kind).or_insert(version);
        *seen = version.max(*seen);
        pushed.note(kind, version);
    }

    fn put(&self, kind: Kind, version: i64, change: impl FnOnce(&mut Pushed)) -> bool {
        {
            let mut pushed = self.pushed();
            if pushed.seen.get(&kind).is_some_and(|&seen| seen >= version) {
                return false;
            }
            pushed.seen.insert(kind, version);
            pushed.note(kind, version);
            pushed.revision += 1;
            change(&mut pushed);
        }
        self.rebuild(Snapshot::with);
        true
    }

    /// Makes ready what will soon be on offer.
    pub(super) fn prepare(&self) {
        if let Some(snapshot) = self.snapshot() {
            snapshot.prepare(Utc::now());
        }
    }

    /// Replaces the snapshot by one of what was pushed so far.
    pub(super) fn rebuild(&self, make: impl FnOnce(&Snapshot, &Pushed) -> Snapshot) {
        let _building = self.building();
        if let Some(snapshot) = self.snapshot() {
            let next = make(&snapshot, &self.view());
            next.prepare(Utc::now());
            self.snapshot.store(Some(Arc::new(next)));
        }
    }

    pub(super) fn view(&self) -> Pushed {
        self.pushed().clone()
    }

    pub(super) fn building(&self) -> MutexGuard<'_, ()> {
        self.building.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pushed(&self) -> MutexGuard<'_, Pushed> {
        // What is pushed is swapped in as a whole: a panic elsewhere leaves it sound.
        self.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
