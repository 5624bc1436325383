use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use trolley_model::artefact::ModelRegistry;

use super::ConfigFile;
use crate::api::Listening;
use crate::config::{Config, LogForm};
use crate::exposures::Exposures;
use crate::live::{Markets, StateSync};
use crate::secret::Secret;
use crate::store::Store;
use crate::{api, metrics};

/// Serve recommendations over HTTP
///
/// Serves every market that has a model in the models folder. A newly published model or a new market is loaded without
/// a restart; no request fails or mixes two models. Metrics, health and administration have their own address.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: ConfigFile,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config.read()?;
        serve(&config, async |_, _| {})
    }
}

/// Serves until the process is told to stop. `on_ready` is called once requests are answered.
pub(super) fn serve(config: &Config, on_ready: impl AsyncFnOnce(&StateSync, Listening)) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    // A second call in one process keeps the first subscriber.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // If standard error cannot be written, it would report that on standard error, and panic.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    let _ = match config.server.log {
        LogForm::Text => log.try_init(),
        LogForm::Json => log.json().flatten_event(true).try_init(),
    };
    let handle = metrics::install().context("metrics cannot be recorded")?;
    let secret = Arc::new(Secret::of_service(&config.server)?);
    let markets = Markets::keyed(ModelRegistry::new(&config.models), config.policies()?, &secret);
    let markets = Arc::new(markets.with_new(config.bought_together.new).with_others(config.policy_of_others()));
    let runtime = tokio::runtime::Runtime::new().context("the threads cannot be started")?;
    runtime.block_on(async {
        let store = Store::open_or_wait(&config.server.state).await?;
        let exposures = config.server.exposures.as_ref().map(Exposures::open).transpose()?.unwrap_or_default();
        let state_sync = Arc::new(StateSync::new(store, markets, exposures.clone()).await?);
        tokio::spawn(state_sync.clone().forget_daily(config.retention.erased_days));
        let served = api::serve(&config.server, state_sync, handle, async |state_sync: &StateSync, listening| {
            tracing::info!(api = %listening.api, admin = %listening.admin, "listening");
            if state_sync.markets().all().is_empty() {
                tracing::warn!("no market yet: `trolley train` publishes to {}", config.models.display());
            }
            on_ready(state_sync, listening).await;
        })
        .await;
        exposures.close();
        served
    })
}
