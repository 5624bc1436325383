use std::collections::BTreeMap;
use std::num::NonZeroU16;

use anyhow::{Context, bail};
use chrono::Utc;
use clap::{Args, Subcommand};
use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;

use super::table::{Table, thousands};
use super::{ConfigFile, state};
use crate::config::Config;
use crate::retention;

/// List, show and roll back published models
///
/// A running service applies changes without a restart.
#[derive(Debug, Args)]
pub(super) struct Models {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all versions of all markets; `*` marks the version in service
    List {
        #[command(flatten)]
        config: ConfigFile,
        /// Only this market
        #[arg(long)]
        market: Option<Name>,
        /// Print CSV instead of a table
        #[arg(long)]
        csv: bool,
    },
    /// Show the manifest of a model: data, config and results
    Show {
        #[command(flatten)]
        config: ConfigFile,
        /// The market
        #[arg(long)]
        market: Name,
        /// The version; by default the one in service
        version: Option<Name>,
    },
    /// Put an earlier version into service, until the next one is published
    Rollback {
        #[command(flatten)]
        config: ConfigFile,
        /// The market
        #[arg(long)]
        market: Name,
        /// The version; by default the one before the version in service
        version: Option<Name>,
        /// Keep it in service when newer versions are published, until the next rollback
        #[arg(long)]
        pin: bool,
    },
    /// Remove all models that contain an erased customer, without waiting for `retention.erased_days`; the one in
    /// service is never removed: train a new one first
    Purge {
        #[command(flatten)]
        config: ConfigFile,
        /// The market
        #[arg(long)]
        market: Name,
    },
    /// Take a market out of service; its models stay, and the next published one brings it back
    Retire {
        #[command(flatten)]
        config: ConfigFile,
        /// The market
        #[arg(long)]
        market: Name,
    },
}

impl Models {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.action {
            Action::List { config, market, csv } => list(&registry(&config)?, market.as_ref(), csv),
            Action::Show { config, market, version } => {
                let registry = registry(&config)?;
                let version = version.map_or_else(|| registry.current(&market), Ok)?;
                println!("{}", serde_json::to_string_pretty(&registry.manifest(&market, &version)?)?);
                Ok(())
            }
            Action::Rollback { config, market, version, pin } => {
                let registry = registry(&config)?;
                // A damaged pointer must not prevent a rollback.
                let before = registry.current(&market).map_or_else(|_| "nothing".to_owned(), String::from);
                let version = match version {
                    Some(version) => version,
                    None => registry.previous(&market).context("there is no earlier version to roll back to")?,
                };
                // Opened first: a damaged model must not become the current one.
                registry.open(&market, &version)?;
                registry.set_current(&market, &version, pin)?;
                let until = if pin { ", and stays whatever is published" } else { "" };
                println!("market {market}: {version} is in service instead of {before}{until}");
                Ok(())
            }
            Action::Purge { config, market } => purge(&config.read()?, &market),
            Action::Retire { config, market } => {
                registry(&config)?.retire(&market)?;
                println!("market {market} is out of service");
                Ok(())
            }
        }
    }
}

fn registry(config: &ConfigFile) -> anyhow::Result<ModelRegistry> {
    Ok(ModelRegistry::new(config.read()?.models))
}

fn purge(config: &Config, market: &Name) -> anyhow::Result<()> {
    let erased = state::erased(config, &[market], state::WithoutState::default())?;
    let registry = ModelRegistry::new(&config.models);
    let forgotten = retention::forget(&registry, market, erased[market].people(), NonZeroU16::MIN, None, Utc::now())?;
    println!("market {market}: {} models that held erased customers were removed", forgotten.removed.len());
    if let Some(version) = forgotten.in_service {
        bail!("{version}, which is in service, holds erased customers: train a new model, then purge again");
    }
    Ok(())
}

fn list(registry: &ModelRegistry, only: Option<&Name>, csv: bool) -> anyhow::Result<()> {
    let mut table = Table::new(&["", "market", "version", "created", "baskets", "items", "customers", "MB"]);
    for market in registry.markets()?.into_iter().filter(|market| only.is_none_or(|only| only == market)) {
        let current = registry.current(&market).ok();
        let in_service = if registry.is_pinned(&market) { "* pinned" } else { "*" };
        for version in registry.versions(&market)? {
            let mark = if current.as_ref() == Some(&version) { in_service } else { "" };
            let mut row = vec![mark.to_owned(), market.to_string(), version.to_string()];
            match registry.manifest(&market, &version) {
                Ok(manifest) => {
                    let bytes: BTreeMap<_, _> = manifest.files;
                    let megabytes = bytes.values().map(|file| file.bytes).sum::<u64>() as f64 / 1e6;
                    row.extend([manifest.created_at, thousands(manifest.data.baskets)]);
                    row.extend([thousands(manifest.data.items), thousands(manifest.data.customers)]);
                    row.push(format!("{megabytes:.1}"));
                }
                Err(error) => row.push(format!("refused: {error}")),
            }
            row.resize(8, String::new());
            table.row(row);
        }
    }
    table.print(csv);
    Ok(())
}
