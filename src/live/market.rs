use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use trolley_model::artefact::Opened;
use trolley_model::{Model, Name};

use super::active_offers::OfferIndex;
use super::baskets::PushedBaskets;
use super::erased::{CustomerHash, Erased, customer_hash, numbers_of};
use super::offers::Offer;
use super::pushed::PushedState;
use super::replacements::ReplacementCounts;
use super::rules::Rule;
use super::snapshot::Snapshot;
use crate::config::Policy;
use crate::metrics;
use crate::secret::Secret;
use crate::store::{DismissalRow, Kind, ReplacementRow, StoredBasket};

/// A market: the snapshot that answers are made from, and the pushed state.
///
/// Readers take the snapshot without a lock. A writer changes `pushed`, whose lock is held for look-ups only, and then
/// builds the next snapshot from the `pushed` of that moment, one writer at a time. So no change is lost, and no reader
/// of `pushed` waits for a snapshot to be built.
#[derive(Debug)]
pub struct Market {
    name: Name,
    pub(super) snapshot: ArcSwapOption<Snapshot>,
    pushed: Mutex<PushedState>,
    /// Held while the snapshot is replaced.
    building: Mutex<()>,
    changing: Mutex<()>,
    secret: Arc<Secret>,
    /// The versions that have been in service in this process.
    served: Mutex<BTreeSet<Name>>,
    /// Whether it was found after the first look at the registry.
    late: bool,
}

/// Maximum number of times that the snapshot of a new model is brought up to date without holding up pushes.
const CATCHING_UP: usize = 10;

impl Market {
    pub(super) fn new(name: Name, late: bool, policy: Policy, secret: Arc<Secret>) -> Self {
        metrics::register_market(&name);
        let Policy { sensitive, must_match, baskets } = policy;
        let (sensitive, must_match) = (Arc::new(sensitive), Arc::new(must_match));
        let baskets = Arc::new(PushedBaskets::new(baskets));
        let erased = Arc::new(Erased::new(secret.clone()));
        Self {
            name,
            snapshot: ArcSwapOption::empty(),
            pushed: Mutex::new(PushedState { erased, baskets, sensitive, must_match, ..PushedState::default() }),
            secret,
            building: Mutex::default(),
            changing: Mutex::default(),
            served: Mutex::default(),
            late,
        }
    }

    /// The secret for hashes of customers and IDs of answers.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// True if it has a model in service, or was found later: such a market comes from data alone, and its failure must
    /// not take the others out of service.
    pub fn ready(&self) -> bool {
        self.late || self.snapshot.load().is_some()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whether a version is a rollback: older than the one in service, or in service before.
    pub(super) fn goes_back_to(&self, version: &Name) -> bool {
        let has_served = || self.served.lock().unwrap_or_else(PoisonError::into_inner).contains(version);
        self.snapshot().is_some_and(|snapshot| *version < snapshot.manifest().version) || has_served()
    }

    /// The snapshot to answer from; `None` while no model is in service.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }

    /// Held from the last read or move of the pointer `current` until the model that it names is in service, so that of
    /// two changes the later one wins.
    pub fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a model into service, with the pushed state.
    pub fn serve(&self, opened: Opened) {
        let mut pushed = self.view();
        let unknown = pushed.sensitive.unknown(opened.model.catalogue());
        if !unknown.is_empty() {
            let market = &self.name;
            tracing::warn!(%market, ?unknown, "the config calls categories sensitive that the model does not have");
        }
        let mut snapshot = Snapshot::new(opened, &pushed);
        // Includes what was pushed while the snapshot was built.
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
        let snapshot = snapshot.on_the_present_day().unwrap_or(snapshot);
        snapshot.prepare(Utc::now());
        let manifest = snapshot.manifest().clone();
        self.served.lock().unwrap_or_else(PoisonError::into_inner).insert(manifest.version.clone());
        let before = self.snapshot.swap(Some(Arc::new(snapshot)));
        drop(building);
        metrics::model_served(&self.name, &manifest, before.as_ref().map(|before| before.manifest()));
    }

    /// The pushed rules.
    pub fn rules(&self) -> Arc<Vec<Rule>> {
        self.pushed().rules.clone()
    }

    /// The erased customers.
    pub fn erased(&self) -> Arc<Erased> {
        self.pushed().erased.clone()
    }

    /// Replaces all offers, unless a later change did so before.
    pub fn put_offers(&self, version: i64, offers: Vec<Offer>) {
        let (count, book) = (offers.len(), Arc::new(OfferIndex::new(offers)));
        if self.put(Kind::Offers, version, |pushed| pushed.offers = book) {
            metrics::set_offers(&self.name, count);
        }
    }

    /// Replaces all rules, unless a later change did so before.
    pub fn put_rules(&self, version: i64, rules: Vec<Rule>) {
        let (count, rules) = (rules.len(), Arc::new(rules));
        if self.put(Kind::Rules, version, |pushed| pushed.rules = rules) {
            metrics::rules_known(&self.name, count);
        }
    }

    /// Adds pushed baskets, or removes cancelled ones.
    pub(super) fn put_baskets(&self, baskets: &[StoredBasket]) {
        let PushedState { baskets: pushed, erased, .. } = self.view();
        let is_erased = |id: &str| !erased.is_empty() && erased.contains(&customer_hash(&self.secret, id));
        pushed.load(baskets, is_erased);
        self.move_to_the_present();
    }

    /// Time of the latest pushed basket.
    pub fn last_basket(&self) -> Option<DateTime<Utc>> {
        self.view().baskets.last().and_then(|time| DateTime::from_timestamp(time, 0))
    }

    /// The time before which baskets need not be stored, in Unix seconds; `None` without a model.
    pub(super) fn oldest_basket(&self) -> Option<i64> {
        let (end, stored_days) = (self.snapshot()?.end(), self.view().baskets.config().stored_days);
        Some(i64::from(end.saturating_sub(1).saturating_sub(stored_days)) * 86_400)
    }

    /// Adds dismissals.
    pub(super) fn put_dismissals(&self, rows: &[DismissalRow]) {
        let PushedState { dismissals, erased, .. } = self.view();
        dismissals.add(rows, |id| !erased.is_empty() && erased.contains(&customer_hash(&self.secret, id)));
    }

    /// Moves the snapshot to the present day, if pushed baskets or the wall clock have changed it.
    fn move_to_the_present(&self) {
        let is_current = || self.snapshot().is_none_or(|snapshot| snapshot.on_the_present_day().is_none());
        if !is_current() {
            let _building = self.building();
            if let Some(next) = self.snapshot().and_then(|snapshot| snapshot.on_the_present_day()) {
                self.snapshot.store(Some(Arc::new(next)));
            }
        }
        let baskets = self.view().baskets;
        let (customers, dropped) = baskets.customers();
        metrics::baskets_known(&self.name, customers, dropped, baskets.last());
        if let Some(snapshot) = self.snapshot() {
            metrics::present_day(&self.name, snapshot.end().saturating_sub(1));
        }
    }

    /// Applies counts of replacements.
    pub(super) fn load_replacements(&self, rows: &[ReplacementRow]) {
        if rows.is_empty() {
            return;
        }
        {
            let mut pushed = self.pushed();
            let said = Arc::make_mut(&mut pushed.replacements);
            for ReplacementRow { item, replacement, accepted, rejected } in rows {
                said.put(item, replacement, ReplacementCounts { accepted: *accepted, rejected: *rejected });
            }
            pushed.revision += 1;
        }
        let _building = self.building();
        if let Some(snapshot) = self.snapshot() {
            self.snapshot.store(Some(Arc::new(snapshot.with_replacements(&self.view()))));
        }
    }

    /// Erases the customer with this ID.
    pub fn erase(&self, id: &str) {
        let new = self.remember_erased([customer_hash(&self.secret, id)]);
        let PushedState { baskets, dismissals, .. } = self.view();
        baskets.erase_customer(id);
        dismissals.erase_customer(id);
        if !new.is_empty() {
            self.forget(|model| model.histories().customers().position(id).into_iter().collect());
        }
    }

    /// Erases the customers with these hashes. If any of them is new, it scans all customers of the model.
    pub fn put_erased(&self, customers: impl IntoIterator<Item = CustomerHash>) {
        let new: HashSet<CustomerHash> = self.remember_erased(customers).into_iter().collect();
        if !new.is_empty() {
            let PushedState { baskets, dismissals, .. } = self.view();
            let is_erased = |customer: &str| new.contains(&customer_hash(&self.secret, customer));
            baskets.erase(is_erased);
            dismissals.erase(is_erased);
            self.forget(|model| numbers_of(&new, &self.secret, model));
        }
    }

    /// The IDs of those customers that the model in service knows. It scans all of its customers.
    pub(super) fn ids_of(&self, wanted: &[CustomerHash]) -> Vec<String> {
        let Some(snapshot) = self.snapshot() else { return Vec::new() };
        let (model, wanted) = (snapshot.model(), wanted.iter().copied().collect());
        let known = numbers_of(&wanted, &self.secret, model);
        known.into_iter().map(|customer| model.histories().customers().get(customer).to_owned()).collect()
    }

    /// Adds erased customers; returns those that are new.
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

    /// Removes customers from the snapshot. They are looked up in its model first, without a lock.
    fn forget(&self, numbers: impl Fn(&Model) -> Vec<u32>) {
        while let Some(snapshot) = self.snapshot() {
            let model = snapshot.shared_model();
            let customers = numbers(&model);
            let _building = self.building();
            // Meanwhile another model may have been put into service.
            if let Some(snapshot) = self.snapshot().filter(|snapshot| snapshot.is_of(&model)) {
                self.snapshot.store(Some(Arc::new(snapshot.without(customers))));
                return;
            }
        }
    }

    /// Marks the pushed state as unknown until it is replaced. Until then all answers are anonymous, since any customer
    /// may have been erased.
    pub(super) fn await_state(&self) {
        {
            let mut pushed = self.pushed();
            pushed.awaited = true;
            pushed.revision += 1;
        }
        self.rebuild(Snapshot::renewed);
    }

    /// Whether the pushed state is not known yet.
    pub fn awaits_state(&self) -> bool {
        self.pushed().awaited
    }

    /// Replaces the pushed state, since the database is another one or went back. Erased customers stay erased.
    pub fn replace(&self, mut loaded: PushedState) {
        let known = self.view();
        let mut erased = Erased::clone(&known.erased);
        erased.extend(loaded.erased.iter().copied());
        loaded.erased = Arc::new(erased);
        loaded.revision = known.revision + 1;
        loaded.sensitive = known.sensitive;
        loaded.must_match = known.must_match;
        metrics::set_offers(&self.name, loaded.offers.offers().len());
        metrics::rules_known(&self.name, loaded.rules.len());
        metrics::stock_known(&self.name, loaded.stock.len());
        metrics::erased_known(&self.name, loaded.erased.len());
        *self.pushed() = loaded;
        self.rebuild(Snapshot::renewed);
    }

    /// The version of a kind up to which all changes are included, 0 if there is none.
    pub(super) fn seen(&self, kind: Kind) -> i64 {
        self.pushed().seen.get(&kind).copied().unwrap_or(0)
    }

    /// The version of the newest known change of each kind that has any.
    pub(super) fn newest(&self) -> BTreeMap<Kind, i64> {
        self.pushed().newest.clone()
    }

    /// The last version of a kind that the database was seen to have reached, if any.
    pub(super) fn anchor(&self, kind: Kind) -> Option<i64> {
        self.pushed().anchors.get(&kind).copied()
    }

    /// Notes that the database has reached this version.
    pub(super) fn anchored(&self, kind: Kind, version: i64) {
        self.pushed().anchors.insert(kind, version);
        metrics::state_version(&self.name, kind, version);
    }

    /// Notes a change that was made here. Other replicas may have made earlier ones that are not known yet.
    pub(super) fn changed(&self, kind: Kind, version: i64) {
        self.pushed().note(kind, version);
    }

    /// Notes a change that was made here, given the one before it: if that is included, all up to this one are, and the
    /// next reading of the database need not load it again.
    pub(super) fn changed_after(&self, kind: Kind, previous: i64, version: i64) {
        if self.seen(kind) >= previous {
            self.saw(kind, version);
            self.anchored(kind, version);
        } else {
            self.changed(kind, version);
        }
    }

    /// Notes that all changes of a kind up to this version are included.
    pub(super) fn saw(&self, kind: Kind, version: i64) {
        let mut pushed = self.pushed();
        let seen = pushed.seen.entry(kind).or_insert(version);
        *seen = version.max(*seen);
        pushed.note(kind, version);
    }

    fn put(&self, kind: Kind, version: i64, change: impl FnOnce(&mut PushedState)) -> bool {
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

    /// Prepares the offers that will be active soon, and removes old baskets.
    pub(super) fn prepare(&self) {
        if let Some(snapshot) = self.snapshot() {
            let PushedState { baskets, dismissals, .. } = self.view();
            baskets.tidy(snapshot.end().saturating_sub(1));
            dismissals.forget_before(baskets.config().dismissed_since(Utc::now()));
        }
        self.move_to_the_present();
        if let Some(snapshot) = self.snapshot() {
            snapshot.prepare(Utc::now());
        }
    }

    /// Replaces the snapshot by one with the current pushed state.
    pub(super) fn rebuild(&self, make: impl FnOnce(&Snapshot, &PushedState) -> Snapshot) {
        let _building = self.building();
        if let Some(snapshot) = self.snapshot() {
            let next = make(&snapshot, &self.view());
            next.prepare(Utc::now());
            self.snapshot.store(Some(Arc::new(next)));
        }
    }

    pub(super) fn view(&self) -> PushedState {
        self.pushed().clone()
    }

    pub(super) fn building(&self) -> MutexGuard<'_, ()> {
        self.building.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pushed(&self) -> MutexGuard<'_, PushedState> {
        // Pushed state is swapped in as a whole, so it is consistent even after a panic elsewhere.
        self.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
