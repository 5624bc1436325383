use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use serde::{Deserialize, Serialize};
use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;
use trolley_training::{Accept, InputConfig, Outcome, TrainingConfig, TrainingJob};

use super::progress::Bars;
use super::recommend::last_offers;
use super::state::WithoutState;
use super::table::{Table, thousands};
use super::{ConfigFile, parallel_markets, state, summary};
use crate::config::Config;
use crate::report::Fate as Reported;
use crate::retention;

/// Learn a model for each market and publish it
///
/// Reads the market's tables, learns, judges the model on weeks held back, and puts a new version into the models
/// folder, where a running service finds it. A model that does not pass the market's gate is kept aside instead, and the
/// command fails: one that is worse than the model in service, that was made from much less data, or that could not be
/// judged. The reports folder gets a page about it either way. Several markets are trained at a time, each by a
/// process of its own: one that fails leaves the others' models published, and a table at the end says what became of
/// each.
///
/// Rejected rows are counted by reason and listed in the rejects folder. The same input, config and seed give the same
/// model at any number of threads; with `SOURCE_DATE_EPOCH` (Unix seconds) as the time, even the same bytes.
///
/// Customers who have been erased are read from the service's database (`server.state`) and left out. If a service has
/// kept a state beside these models and its database is not found, nothing is trained.
#[derive(Debug, Args)]
pub(super) struct Train {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Only this market
    #[arg(long)]
    market: Option<Name>,
    /// All randomness follows from it
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Threads to train on; by default all processors, shared among the markets that are trained at a time
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(super) threads: usize,
    /// Markets trained at a time; by default as many as there are processors, within the memory
    #[arg(long)]
    pub(super) parallel: Option<NonZeroUsize>,
    /// Memory for all markets that are trained at a time, in GiB; by default four fifths of what is free. A market is
    /// reckoned with its gate's `memory_gib` or, without one, by the size of its files
    #[arg(long)]
    pub(super) memory: Option<f64>,
    /// Where to write what became of the market, for the process that trains many
    #[arg(long, hide = true)]
    outcome: Option<PathBuf>,
    /// Publish a model of much less data than the one in service has; the manifest says so
    #[arg(long)]
    pub(super) accept_smaller: bool,
    /// Publish a model that could not be judged though the one in service was; the manifest and /metrics say so
    #[arg(long)]
    pub(super) accept_unjudged: bool,
    /// Publish even what does not pass its gate; the manifest says so
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) state: WithoutState,
}

/// Writes the report of a training into the reports folder: the page, and the same as JSON.
pub(super) fn report(outcome: &Outcome, market: &Name, config: &Config) -> anyhow::Result<()> {
    let Some(manifest) = &outcome.manifest else { return Ok(()) };
    let fate = match (outcome.published, outcome.ruling.failures.is_empty()) {
        (true, true) => Reported::Published,
        (true, false) => Reported::Forced,
        (false, _) => Reported::Rejected,
    };
    let file = |kind| config.report_of(market, &manifest.version, kind);
    let offers = last_offers(outcome.tables.offers.clone(), &outcome.tables.numbers);
    summary::report(outcome, market, fate, &offers).write(Some(&file("html")), Some(&file("json")))
}

impl Train {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config.read()?;
        let markets = markets(&config, self.market.as_ref())?;
        let ends = match &markets[..] {
            [(market, input)] => vec![self.one(&config, market, input)],
            _ => parallel_markets::train(&self, &markets)?,
        };
        if let Some(file) = &self.outcome {
            std::fs::write(file, serde_json::to_string(&ends[0])?).context("the outcome cannot be written")?;
        }
        if ends.len() > 1 {
            let mut table = Table::new(&["market", "model", "version", "baskets", "seconds", "MiB"]);
            for end in &ends {
                let number = |number: Option<u64>| number.map_or_else(String::new, thousands);
                let seconds = end.seconds.map_or_else(String::new, |seconds| format!("{seconds:.1}"));
                let (version, memory) = (end.version.clone().unwrap_or_default(), end.memory.map(|bytes| bytes >> 20));
                let fate = end.fate.words().to_owned();
                table.row(vec![end.market.clone(), fate, version, number(end.baskets), seconds, number(memory)]);
            }
            println!();
            table.print(false);
        }
        let of = |fate: Fate| {
            let ends = ends.iter().filter(|end| end.fate == fate);
            ends.map(|end| end.market.as_str()).collect::<Vec<_>>().join(", ")
        };
        match (of(Fate::Failed), of(Fate::Rejected)) {
            (failed, rejected) if failed.is_empty() && rejected.is_empty() => Ok(()),
            (failed, rejected) if failed.is_empty() => {
                bail!("not published, because the gate was not passed: {rejected}")
            }
            (failed, rejected) if rejected.is_empty() => bail!("no new model for {failed}"),
            (failed, rejected) => bail!("no new model for {failed}; the gate was not passed by {rejected}"),
        }
    }

    /// One market, with its report and summary. Its trouble is said here, and told to whoever counts.
    fn one(&self, config: &Config, market: &Name, input: &InputConfig) -> End {
        let train = || {
            let training =
                TrainingConfig { seed: self.seed.unwrap_or(config.training.seed), ..config.training.clone() };
            let erased = state::erased(config, &[market], self.state)?;
            state::note(config, self.state)?;
            let job = TrainingJob {
                market,
                input,
                config: &training,
                registry: &ModelRegistry::new(&config.models),
                rejects: config.rejects_of(market),
                now: now()?,
                latest: latest(),
                erased: &|customer| erased[market].holds(customer),
                threads: self.threads,
                accept: Accept { smaller: self.accept_smaller, unjudged: self.accept_unjudged },
                force: self.force,
            };
            let bars = if self.outcome.is_some() { Bars::hidden() } else { Bars::new() };
            let outcome = trolley_training::train(&job, &bars)?;
            // The model is in service all the same.
            if let Err(error) = report(&outcome, market, config) {
                eprintln!("market `{market}`: the report could not be written: {error:#}");
            }
            summary::print(&outcome, &job, config);
            tidy(config, market, erased[market].people());
            anyhow::Ok(outcome)
        };
        match train() {
            Ok(outcome) => {
                let facts = outcome.manifest.as_ref();
                End {
                    fate: if outcome.published { Fate::Published } else { Fate::Rejected },
                    version: facts.map(|manifest| manifest.version.to_string()),
                    baskets: facts.map(|manifest| manifest.data.baskets),
                    seconds: Some(outcome.costs.seconds),
                    memory: outcome.costs.peak_memory,
                    ..End::failed(market)
                }
            }
            Err(error) => {
                eprintln!("market `{market}`: no new model: {error:#}");
                End::failed(market)
            }
        }
    }
}

/// Removes old models. That it cannot be done takes nothing back of what was published.
fn tidy(config: &Config, market: &Name, people: retention::Erased<'_>) {
    let registry = ModelRegistry::new(&config.models);
    // Not the time that names the version, which may be any.
    match retention::tidy(&registry, market, &config.retention, people, Utc::now()) {
        Ok(tidied) => {
            if tidied.pruned + tidied.forgotten > 0 {
                println!("  removed    {} old models, {} that held erased customers", tidied.pruned, tidied.forgotten);
            }
        }
        Err(error) => eprintln!("market `{market}`: old models could not be removed: {error}"),
    }
}

/// What became of a market.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    market: String,
    fate: Fate,
    version: Option<String>,
    baskets: Option<u64>,
    seconds: Option<f64>,
    /// Most bytes held at any time.
    memory: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Fate {
    Published,
    Rejected,
    Failed,
}

impl Fate {
    fn words(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Rejected => "rejected by its gate",
            Self::Failed => "failed",
        }
    }
}

impl End {
    pub(super) fn failed(market: &Name) -> Self {
        let (version, baskets, seconds, memory) = (None, None, None, None);
        Self { market: market.to_string(), fate: Fate::Failed, version, baskets, seconds, memory }
    }
}

/// The time, or `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>).
pub(super) fn now() -> anyhow::Result<DateTime<Utc>> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(Utc::now()) };
    let time = text.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.with_context(|| format!("SOURCE_DATE_EPOCH is `{text}`, which is not a time in Unix seconds"))
}

/// Tomorrow, by this machine's clock: what the shop's clocks say may be a little ahead.
pub(super) fn latest() -> DateTime<Utc> {
    Utc::now() + chrono::Days::new(1)
}

/// The markets of the config, or the one that was asked for.
pub(super) fn markets<'c>(config: &'c Config, only: Option<&Name>) -> anyhow::Result<Vec<(&'c Name, &'c InputConfig)>> {
    let markets: Vec<_> = config.markets.iter().filter(|(market, _)| only.is_none_or(|only| only == *market)).collect();
    match (markets.is_empty(), only) {
        (false, _) => Ok(markets),
        (true, Some(only)) => {
            let known: Vec<&str> = config.markets.keys().map(Name::as_str).collect();
            bail!("the config has no market `{only}`; it has {known:?}")
        }
        (true, None) => bail!("the config has no market: add one as [markets.NAME] with `transactions = …`"),
    }
}
