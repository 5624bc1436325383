use std::collections::BTreeMap;
use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use trolley_model::Name;
use trolley_model::artefact::{ArtefactError, ModelRegistry};

use super::market::Market;
use crate::config::Policy;
use crate::low_priority::run_idle;
use crate::metrics;
use crate::secret::Secret;

/// All markets of the service: those of the config, and those that have a folder in the model registry.
#[derive(Debug)]
pub struct Markets {
    registry: ModelRegistry,
    secret: Arc<Secret>,
    markets: ArcSwap<BTreeMap<Name, Arc<Market>>>,
    /// Whether the registry has been read.
    looked: AtomicBool,
    /// Whether models have been opened once: from then on there may be requests.
    opened: AtomicBool,
    /// The config of each market. It is not removed with a retired market, which may come back.
    policies: BTreeMap<Name, Policy>,
    /// The config of other markets.
    others: Policy,
    /// Default number of slots in bought-together answers for items that the customer has never bought.
    new: usize,
    /// The last refusal of each market.
    refused: Mutex<BTreeMap<Name, Refused>>,
}

/// What was refused, and when it is tried again: as soon as its folder has changed, and otherwise after a delay. A
/// folder that is copied file by file becomes complete later, and not every copy changes lengths and times.
#[derive(Clone, Debug)]
struct Refused {
    what: What,
    /// The state of its folder.
    traces: Traces,
    tries: u32,
    again: Instant,
}

/// As of [`ModelRegistry::traces`].
type Traces = Vec<(OsString, u64, Option<SystemTime>)>;

/// What can be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// The pointer `current`, which names no version.
    Pointer,
    /// A version.
    Version(Name),
}

/// Delay of the second attempt. It doubles with each further one, up to [`LONGEST`].
const SOON: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

impl Markets {
    /// The markets of the config, each with its policy. Those of the registry are found by [`Markets::look`], and
    /// models are opened by [`Markets::open`].
    pub fn new(registry: ModelRegistry, expected: impl IntoIterator<Item = (Name, Policy)>) -> Self {
        Self::keyed(registry, expected, &Arc::default())
    }

    /// As [`Markets::new`], with the secret for hashes of customers and IDs of answers.
    pub fn keyed(
        registry: ModelRegistry,
        expected: impl IntoIterator<Item = (Name, Policy)>,
        secret: &Arc<Secret>,
    ) -> Self {
        let policies: BTreeMap<Name, Policy> = expected.into_iter().collect();
        let market = |(name, policy): (&Name, &Policy)| {
            (name.clone(), Arc::new(Market::new(name.clone(), false, policy.clone(), secret.clone())))
        };
        let markets = policies.iter().map(market).collect();
        Self {
            registry,
            secret: secret.clone(),
            markets: ArcSwap::from_pointee(markets),
            looked: AtomicBool::default(),
            opened: AtomicBool::default(),
            policies,
            others: Policy::default(),
            new: 0,
            refused: Mutex::default(),
        }
    }

    /// Sets the default number of slots for items that the customer has never bought.
    #[must_use]
    pub fn with_new(self, new: usize) -> Self {
        Self { new, ..self }
    }

    /// Sets the config of markets that have none of their own.
    #[must_use]
    pub fn with_others(self, others: Policy) -> Self {
        Self { others, ..self }
    }

    /// Default number of slots for items that the customer has never bought.
    pub fn new_places(&self) -> usize {
        self.new
    }

    /// The secret for hashes of customers and IDs of answers.
    pub fn secret(&self) -> &Arc<Secret> {
        &self.secret
    }

    /// One market.
    pub fn get(&self, name: &str) -> Option<Arc<Market>> {
        self.markets.load().get(name).cloned()
    }

    /// All markets by name.
    pub fn all(&self) -> Arc<BTreeMap<Name, Arc<Market>>> {
        self.markets.load_full()
    }

    /// True if there is a market and each that was there at the start has a model in service.
    pub fn ready(&self) -> bool {
        let markets = self.markets.load();
        !markets.is_empty() && markets.values().all(|market| market.ready())
    }

    /// The model registry.
    pub fn registry(&self) -> &ModelRegistry {
        &self.registry
    }

    /// Looks for markets that were added or retired. True if any market has no model in service yet: its pushed state
    /// must be loaded before [`Markets::open`].
    pub fn look(&self) -> bool {
        match self.registry.markets() {
            Ok(found) => self.apply_changes(found),
            Err(error) => tracing::error!(%error, "the models folder cannot be read"),
        }
        self.markets.load().values().any(|market| market.snapshot().is_none())
    }

    /// Looks for new models and puts them into service. A refused model is counted and logged, and the one in service
    /// stays. If there is none yet, the newest valid older version serves.
    pub fn open(&self) {
        for market in self.markets.load().values() {
            // A failure in one market, even a panic, must not keep the others from their models.
            let refresh = AssertUnwindSafe(|| self.refresh_market(market));
            if std::panic::catch_unwind(refresh).is_err() {
                tracing::error!(market = %market.name(), "opening a model panicked");
            }
        }
        self.opened.store(true, Ordering::Relaxed);
        metrics::models_scanned();
    }

    /// Adds the markets that were found, and removes those that were retired.
    fn apply_changes(&self, found: Vec<Name>) {
        let (known, late) = (self.markets.load(), self.looked.swap(true, Ordering::Relaxed));
        let retired = |name: &Name| !found.contains(name) && self.registry.is_retired(name);
        if found.iter().all(|name| known.contains_key(name)) && !known.keys().any(retired) {
            return;
        }
        let mut markets = BTreeMap::clone(&known);
        markets.retain(|name, market| {
            let stays = !retired(name);
            if !stays {
                metrics::market_retired(name, market.snapshot().map(|snapshot| snapshot.manifest().clone()).as_ref());
            }
            stays
        });
        for name in found {
            let policy = self.policies.get(&name).cloned().unwrap_or_else(|| self.others.clone());
            markets
                .entry(name.clone())
                .or_insert_with(|| Arc::new(Market::new(name, late, policy, self.secret.clone())));
        }
        self.markets.store(Arc::new(markets));
    }

    fn refresh_market(&self, market: &Market) {
        let name = market.name();
        let serves = |version: &Name| market.snapshot().is_some_and(|snapshot| snapshot.manifest().version == *version);
        let current = match self.registry.current(name) {
            Ok(current) if serves(&current) => {
                // A version that was refused may be repaired by the time that `current` names it again, so it is tried
                // again then.
                if self.refused().remove(name).is_some() {
                    metrics::model_awaited(name, false);
                }
                return;
            }
            Ok(current) => current,
            Err(ArtefactError::NoModel { .. }) => return,
            Err(error) => {
                let _changing = market.changing();
                return self.refuse(market, &What::Pointer, Traces::new(), &error);
            }
        };
        let version = What::Version(current.clone());
        let traces = self.registry.traces(name, &current);
        let is_the_same = |refused: &&Refused| refused.what == version && refused.traces == traces;
        if self.refused().get(name).filter(is_the_same).is_some_and(|refused| Instant::now() < refused.again) {
            return;
        }
        // Opening must not slow down answers. At the start there are none, and a rollback is urgent.
        let open = || self.registry.open(name, &current);
        let gives_way = self.opened.load(Ordering::Relaxed) && !market.goes_back_to(&current);
        let opened = if gives_way { run_idle(open) } else { open() };
        // Opening may have taken long, and `current` or the model in service may have changed. The next refresh handles
        // that.
        let _changing = market.changing();
        if serves(&current) || self.registry.current(name).ok().as_ref() != Some(&current) {
            return;
        }
        match opened {
            Ok(opened) => {
                self.refused().remove(name);
                metrics::model_awaited(name, false);
                market.serve(opened);
                tracing::info!(market = %name, version = %current, "a model is in service");
            }
            Err(error) => self.refuse(market, &version, traces, &error),
        }
    }

    /// Logs a refusal, and counts it unless the model is merely incomplete so far; once for each state of its folder.
    fn refuse(&self, market: &Market, what: &What, traces: Traces, error: &ArtefactError) {
        let name = market.name();
        let before = self.refused().remove(name).filter(|before| before.what == *what);
        let (tries, news) = match &before {
            Some(before) if before.traces == traces => (before.tries + 1, false),
            _ => (1, true),
        };
        let again = Instant::now() + SOON.saturating_mul(1 << (tries - 1).min(6)).min(LONGEST);
        self.refused().insert(name.clone(), Refused { what: what.clone(), traces, tries, again });
        if error.is_incomplete() {
            metrics::model_awaited(name, true);
            if before.is_none() {
                tracing::warn!(market = %name, %error, "a model is not here yet: it is tried again until it is whole");
            }
        } else if news {
            metrics::model_awaited(name, false);
            metrics::model_refused(name);
            tracing::error!(market = %name, %error, "a model was refused: it is damaged or cannot be read");
        }
        if market.snapshot().is_none() {
            self.serve_an_older_one(market, what);
        }
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<Name, Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve_an_older_one(&self, market: &Market, refused: &What) {
        let versions = self.registry.versions(market.name()).unwrap_or_default();
        for version in versions.iter().rev().filter(|version| *refused != What::Version((*version).clone())) {
            match self.registry.open(market.name(), version) {
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
