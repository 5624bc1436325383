use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::Utc;
use clap::Args;
use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;
use trolley_training::{Accept, InputConfig, Outcome, TrainingConfig, TrainingJob};

use super::clock::{latest, now};
use super::last_offers::last_offers;
use super::market_outcome::{MarketOutcome, TrainingResult};
use super::parallel_markets::{self, Parallel};
use super::progress::Bars;
use super::state::WithoutState;
use super::table::{Table, thousands};
use super::{ConfigFile, state, summary};
use crate::config::Config;
use crate::report::Fate as Reported;
use crate::retention;

/// Train a model for each market and publish it
///
/// Reads the market's tables, trains, judges the model on held-out weeks, and publishes a new version to the models
/// folder, from which a running service loads it. A model fails its market's gate if, for example, it is worse than the
/// one in service, was trained on much less data, or could not be judged although the one in service was. It is then
/// stored under .rejected in the models folder, and the command fails. A report is written to the reports folder in
/// either case. Several markets are trained in parallel, each in its own process: if one fails, the models of the
/// others are still published. A table at the end shows the outcome of each.
///
/// Rejected rows are counted by reason and listed in the rejects folder. The same input, config and seed give the same
/// model with any number of threads; with `SOURCE_DATE_EPOCH` (Unix seconds) as the time, even the same bytes.
///
/// Erased customers are read from the service's database (`server.state`), and their purchases count as anonymous. If a
/// service has stored state for these models and its database is not found, nothing is trained.
#[derive(Debug, Args)]
pub(super) struct Train {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Only this market
    #[arg(long)]
    market: Option<Name>,
    /// Seed of all random numbers
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Number of threads, shared by the markets trained in parallel; by default one per processor
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(super) threads: usize,
    /// Maximum number of markets trained in parallel, as far as the memory allows; by default one per processor
    #[arg(long)]
    pub(super) parallel: Option<NonZeroUsize>,
    /// Memory for all markets trained in parallel, in GiB; by default four fifths of the free memory. A market reserves
    /// the `memory_gib` of its gate or, without one, an estimate from the size of its files
    #[arg(long)]
    pub(super) memory: Option<f64>,
    /// Write the outcome to this file, for the process that trains several markets
    #[arg(long, hide = true)]
    outcome: Option<PathBuf>,
    /// Publish a model trained on much less data than the one in service; recorded in the manifest and on /metrics
    #[arg(long)]
    pub(super) accept_smaller: bool,
    /// Publish a model that could not be judged although the one in service was; recorded in the manifest and on
    /// /metrics
    #[arg(long)]
    pub(super) accept_unjudged: bool,
    /// Publish a model even if it does not pass its gate; recorded in the manifest and on /metrics
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) state: WithoutState,
}

/// Writes the report of a training to the reports folder, as HTML and as JSON.
pub(super) fn report(outcome: &Outcome, market: &Name, config: &Config) -> anyhow::Result<()> {
    let Some(manifest) = &outcome.manifest else { return Ok(()) };
    let result = match (outcome.published, outcome.decision.failures.is_empty()) {
        (true, true) => Reported::Published,
        (true, false) => Reported::Forced,
        (false, _) => Reported::Rejected,
    };
    let file = |kind| config.report_of(market, &manifest.version, kind);
    let offers = last_offers(outcome.tables.offers.clone(), &outcome.tables.numbers);
    summary::report(outcome, market, result, &offers).write(Some(&file("html")), Some(&file("json")))
}

impl Train {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config.read()?;
        let markets = markets(&config, self.market.as_ref())?;
        let ends = match &markets[..] {
            [(market, input)] => vec![self.one(&config, market, input)],
            _ => parallel_markets::train(&self.parallel(), &markets)?,
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
                let result = end.result.words().to_owned();
                table.row(vec![end.market.clone(), result, version, number(end.baskets), seconds, number(memory)]);
            }
            println!();
            table.print(false);
        }
        let of = |result: TrainingResult| {
            let ends = ends.iter().filter(|end| end.result == result);
            ends.map(|end| end.market.as_str()).collect::<Vec<_>>().join(", ")
        };
        match (of(TrainingResult::Failed), of(TrainingResult::Rejected)) {
            (failed, rejected) if failed.is_empty() && rejected.is_empty() => Ok(()),
            (failed, rejected) if failed.is_empty() => {
                bail!("not published, because the gate was not passed: {rejected}")
            }
            (failed, rejected) if rejected.is_empty() => bail!("no new model for {failed}"),
            (failed, rejected) => bail!("no new model for {failed}; the gate was not passed by {rejected}"),
        }
    }

    /// Trains one market, with report and summary. An error is printed here, and returned as an outcome.
    fn parallel(&self) -> Parallel {
        let mut arguments: Vec<OsString> = Vec::new();
        if let Some(config) = &self.config.config {
            arguments.extend(["--config".into(), config.into()]);
        }
        if let Some(seed) = self.seed {
            arguments.extend(["--seed".into(), seed.to_string().into()]);
        }
        let flags = [
            ("--force", self.force),
            ("--accept-smaller", self.accept_smaller),
            ("--accept-unjudged", self.accept_unjudged),
            ("--without-state", self.state.without_state),
        ];
        arguments.extend(flags.iter().filter(|(_, given)| *given).map(|(flag, _)| flag.into()));
        Parallel { processes: self.parallel, memory: self.memory, threads: self.threads, arguments }
    }

    fn one(&self, config: &Config, market: &Name, input: &InputConfig) -> MarketOutcome {
        let train = || {
            let training =
                TrainingConfig { seed: self.seed.unwrap_or(config.training.seed), ..config.training.clone() };
            let erased = state::erased(config, &[market], self.state)?;
            state::note(config, self.state)?;
            let pushed = state::pushed(config, market, self.state)?;
            let job = TrainingJob {
                market,
                input,
                config: &training,
                registry: &ModelRegistry::new(&config.models),
                rejects: config.rejects_of(market),
                now: now()?,
                latest: latest(),
                erased: &|customer| erased[market].holds(customer),
                pushed: &pushed,
                threads: self.threads,
                accept: Accept { smaller: self.accept_smaller, unjudged: self.accept_unjudged },
                force: self.force,
            };
            let bars = if self.outcome.is_some() { Bars::hidden() } else { Bars::new() };
            let outcome = trolley_training::train(&job, &bars)?;
            // A missing report does not undo the publication.
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
                MarketOutcome {
                    result: if outcome.published { TrainingResult::Published } else { TrainingResult::Rejected },
                    version: facts.map(|manifest| manifest.version.to_string()),
                    baskets: facts.map(|manifest| manifest.data.baskets),
                    seconds: Some(outcome.costs.seconds),
                    memory: outcome.costs.peak_memory,
                    ..MarketOutcome::failed(market)
                }
            }
            Err(error) => {
                eprintln!("market `{market}`: no new model: {error:#}");
                MarketOutcome::failed(market)
            }
        }
    }
}

/// Removes old models. A failure does not undo the publication.
fn tidy(config: &Config, market: &Name, people: retention::Erased<'_>) {
    let registry = ModelRegistry::new(&config.models);
    // The real time, not that of the version, which `SOURCE_DATE_EPOCH` may set.
    match retention::tidy(&registry, market, &config.retention, people, Utc::now()) {
        Ok(tidied) => {
            if tidied.pruned + tidied.forgotten > 0 {
                println!("  removed    {} old models, {} that held erased customers", tidied.pruned, tidied.forgotten);
            }
        }
        Err(error) => eprintln!("market `{market}`: old models could not be removed: {error}"),
    }
}

/// All markets of the config, or only the requested one.
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
