//! Removal of old models, and of those that contain erased customers.

use std::collections::HashSet;
use std::num::NonZeroU16;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Utc};
use trolley_model::Name;
use trolley_model::artefact::{ArtefactError, ModelRegistry};

use crate::live::{CustomerHash, customer_hash};
use crate::secret::Secret;
use crate::store::Erasure;

/// The erased customers, and the secret that keys their hashes.
#[derive(Clone, Copy)]
pub(crate) struct Erased<'a> {
    pub(crate) erasures: &'a [Erasure],
    pub(crate) secret: &'a Secret,
}

/// The result of [`forget`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// The removed versions.
    pub(crate) removed: Vec<Name>,
    /// The version in service, if it contains an erased customer too: it stays until the next model replaces it.
    pub(crate) in_service: Option<Name>,
}

/// Removes the models of a market that contain a customer who was erased `days` ago, or one day less, so that it is
/// never late. The version in service stays, whether by the pointer or, as `served`, in memory.
///
/// # Errors
/// If another process is publishing, or on an I/O error.
pub(crate) fn forget(
    registry: &ModelRegistry,
    market: &Name,
    people: Erased<'_>,
    days: NonZeroU16,
    served: Option<&Name>,
    now: DateTime<Utc>,
) -> Result<Forgotten, ArtefactError> {
    let margin = chrono::Duration::days(i64::from(days.get() - 1));
    // A time in the future comes from a wrong clock: the erasure may have happened at any time.
    let due = |erasure: &&Erasure| erasure.at > now || now.signed_duration_since(erasure.at) >= margin;
    let due: Vec<&Erasure> = people.erasures.iter().filter(due).collect();
    if due.is_empty() {
        return Ok(Forgotten::default());
    }
    let must_go = |registry: &ModelRegistry, version: &Name| {
        Some(version) != served && holds(registry, market, version, &due, people.secret)
    };
    let (removed, in_service) = registry.remove_if(market, must_go)?;
    Ok(Forgotten { removed, in_service })
}

/// Logs the result of [`forget`].
pub(crate) fn log(market: &Name, forgotten: &Result<Forgotten, ArtefactError>) {
    match forgotten {
        Ok(Forgotten { removed, in_service }) => {
            if !removed.is_empty() {
                tracing::info!(%market, versions = removed.len(), "models that held erased customers were removed");
            }
            if let Some(version) = in_service {
                tracing::warn!(%market, %version, "the model in service holds erased customers: train a new one");
            }
        }
        // Retried the next day.
        Err(error) => tracing::error!(%market, %error, "models that hold erased customers could not be removed"),
    }
}

/// Whether a version contains a customer who was erased after it was made.
fn holds(registry: &ModelRegistry, market: &Name, version: &Name, due: &[&Erasure], secret: &Secret) -> bool {
    let made = made_at(registry, market, version);
    let erased = due.iter().filter(|erasure| made.is_none_or(|made| made <= erasure.at));
    let erased: HashSet<CustomerHash> = erased.map(|erasure| erasure.customer).collect();
    if erased.is_empty() {
        return false;
    }
    match registry.open(market, version) {
        Ok(opened) => {
            let mut customers = opened.model.histories().customers().iter();
            customers.any(|customer| erased.contains(&customer_hash(secret, customer)))
        }
        // An I/O error is retried the next day. Any other version that cannot be opened may contain an erased customer.
        Err(error) => !matches!(error, ArtefactError::Io { .. }),
    }
}

/// When a version was made: from its manifest or, in an older format, from the modification time of its folder.
fn made_at(registry: &ModelRegistry, market: &Name, version: &Name) -> Option<DateTime<Utc>> {
    if let Ok(manifest) = registry.manifest(market, version) {
        return DateTime::parse_from_rfc3339(&manifest.created_at).ok().map(|made| made.to_utc());
    }
    let folder = std::fs::metadata(registry.path().join(market).join(version)).ok()?;
    let seconds = folder.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
}

/// The numbers of models removed after a training.
#[cfg(feature = "training")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tidied {
    /// Older than the newest `retention.keep`.
    pub(crate) pruned: usize,
    /// With erased customers.
    pub(crate) forgotten: usize,
}

/// Applies the retention config after a training, whether or not its model was published.
///
/// # Errors
/// As [`forget`].
#[cfg(feature = "training")]
pub(crate) fn tidy(
    registry: &ModelRegistry,
    market: &Name,
    config: &crate::config::RetentionConfig,
    people: Erased<'_>,
    now: DateTime<Utc>,
) -> Result<Tidied, ArtefactError> {
    // The gate's references must stay: if they are unknown, nothing is removed.
    let compared_with = trolley_training::gate::references(registry, market)?;
    let pruned = registry.prune(market, config.keep.get(), &compared_with)?.len();
    let forgotten = forget(registry, market, people, config.erased_days, None, now)?;
    if let Some(version) = &forgotten.in_service {
        eprintln!("note: market `{market}`: {version}, which is in service, holds erased customers");
    }
    Ok(Tidied { pruned, forgotten: forgotten.removed.len() })
}
