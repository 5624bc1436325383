use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use trolley_model::Name;

use crate::config::Config;
use crate::live::{self, CustomerHash};
use crate::retention;
use crate::secret::Secret;
#[cfg(feature = "training")]
use crate::store::BasketLine;
use crate::store::{DatabaseLocation, Erasure, StateMarker, Store, StoreError, StoredBasket};
#[cfg(feature = "training")]
use trolley_training::input::{PushedBasket, PushedLine};

/// Whether to continue without the list of erased customers.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct WithoutState {
    /// Continue without the service's database, although there was one: erased customers are treated like all others
    #[arg(long)]
    pub(super) without_state: bool,
}

/// The erased customers of a market.
#[derive(Clone, Debug, Default)]
pub(super) struct Erased {
    /// The hashes, with the times of erasure.
    erasures: Vec<Erasure>,
    /// The hashes only.
    hashes: HashSet<CustomerHash>,
    /// Keys the hashes.
    secret: Arc<Secret>,
}

impl Erased {
    /// Whether a customer has been erased.
    #[cfg(feature = "training")]
    pub(super) fn holds(&self, customer: &str) -> bool {
        !self.hashes.is_empty() && self.hashes.contains(&live::customer_hash(&self.secret, customer))
    }

    /// In the form used to find them in models.
    pub(super) fn people(&self) -> retention::Erased<'_> {
        retention::Erased { erasures: &self.erasures, secret: &self.secret }
    }

    /// In the form used by a snapshot.
    pub(super) fn pushed(&self) -> live::Erased {
        let mut erased = live::Erased::new(self.secret.clone());
        erased.extend(self.hashes.iter().copied());
        erased
    }
}

/// The erased customers of each market, from the database of `server.state`.
///
/// A database that cannot be read is an error, because erased customers must not come back. A missing one is an error
/// if a service has left its mark beside the models, because it has stored state somewhere. Before the first service
/// runs there is no database.
pub(super) fn erased(
    config: &Config,
    markets: &[&Name],
    WithoutState { without_state }: WithoutState,
) -> anyhow::Result<BTreeMap<Name, Erased>> {
    let none: BTreeMap<Name, Erased> = markets.iter().map(|&market| (market.clone(), Erased::default())).collect();
    let (url, models) = (&config.server.state, &config.models);
    if without_state {
        eprintln!("note: --without-state: erased customers are treated like all others");
        return Ok(none);
    }
    let mark = StateMarker::read(models);
    let mark = mark.with_context(|| {
        let path = StateMarker::path(models);
        format!(
            "{} cannot be read: start the service, which writes it anew, or remove it if there is none",
            path.display()
        )
    })?;
    match (missing(url)?, mark) {
        (Some(what), Some(mark)) => bail!(
            "the database of server.state is missing: `{url}` {what}, but a service has kept a state at {}. Without it, \
             customers who were erased would come back: name that database in server.state, put it back, or go on with \
             --without-state",
            mark.database
        ),
        // No service has run yet, so no customer has been erased.
        (Some(_), None) => Ok(none),
        (None, mark) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let secret = Arc::new(Secret::of_state(&config.server)?);
            let read = runtime.block_on(read(url, models, mark, &secret, none));
            read.context("the list of erased customers cannot be read")
        }
    }
}

/// The pushed baskets of a market that were not cancelled, from the database of `server.state`; none if it does not exist
/// yet.
pub(super) fn baskets(
    config: &Config,
    market: &Name,
    WithoutState { without_state }: WithoutState,
) -> anyhow::Result<Vec<StoredBasket>> {
    let url = &config.server.state;
    if without_state || missing(url)?.is_some() {
        return Ok(Vec::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut baskets = Vec::new();
    let read = async {
        let store = Store::open_or_wait(url).await?;
        let mut pages = store.baskets_after(market.as_str(), 0);
        while let Some(page) = pages.next().await? {
            baskets.extend(page.into_iter().filter(|basket| !basket.cancelled));
        }
        Ok::<_, StoreError>(())
    };
    runtime.block_on(read).context("the pushed baskets cannot be read")?;
    Ok(baskets)
}

/// The pushed baskets of a market, if the training config asks for them.
#[cfg(feature = "training")]
pub(super) fn pushed(config: &Config, market: &Name, state: WithoutState) -> anyhow::Result<Vec<PushedBasket>> {
    if !config.training.include_pushed {
        return Ok(Vec::new());
    }
    let line = |BasketLine { item, quantity, price }| PushedLine { item, quantity, price };
    let basket = |StoredBasket { id, customer, bought, lines, .. }: StoredBasket| PushedBasket {
        id,
        customer,
        time: bought,
        lines: lines.into_iter().map(line).collect(),
    };
    Ok(baskets(config, market, state)?.into_iter().map(basket).collect())
}

/// Prints a note if the database that the config names does not exist yet. For the default there is none.
#[cfg(feature = "training")]
pub(super) fn note(config: &Config, WithoutState { without_state }: WithoutState) -> anyhow::Result<()> {
    let url = &config.server.state;
    if !without_state
        && *url != crate::config::ServerConfig::default().state
        && let Some(what) = missing(url)?
    {
        eprintln!("note: server.state {what} (yet): without a service, no customer has been erased");
    }
    Ok(())
}

/// Why there is no database; `None` if there may be one.
fn missing(url: &str) -> anyhow::Result<Option<String>> {
    Ok(match DatabaseLocation::of(url)? {
        DatabaseLocation::Memory => Some("ends with the process that has it".to_owned()),
        DatabaseLocation::File(path) if !path.exists() => {
            Some(format!("names {}, which is not there", absolute(&path)))
        }
        DatabaseLocation::Server | DatabaseLocation::File(_) => None,
    })
}

async fn read(
    url: &str,
    models: &Path,
    mark: Option<StateMarker>,
    secret: &Arc<Secret>,
    mut all: BTreeMap<Name, Erased>,
) -> anyhow::Result<BTreeMap<Name, Erased>> {
    let store = Store::open_or_wait(url).await?.with_secret(secret.clone());
    let identity = store.identity().await?;
    for (market, erased) in &mut all {
        erased.erasures = store.erasures(market.as_str()).await?;
        erased.hashes = erased.erasures.iter().map(|erasure| erasure.customer).collect();
        erased.secret = secret.clone();
    }
    match mark {
        Some(mark) if mark.identity != identity => eprintln!(
            "note: the database of server.state is not the one that a service last kept its state in ({}): customers who \
             were erased there are not left out",
            mark.database
        ),
        // A service without write access to the models folder leaves no mark, and the next training needs one. If it
        // cannot be written here either, the training reports it when it publishes.
        None if models.is_dir() => drop(store.mark(identity).map(|mark| mark.write(models))),
        Some(_) | None => {}
    }
    Ok(all)
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
