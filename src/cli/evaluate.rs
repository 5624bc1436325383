use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;
use trolley_training::{Accept, TrainingConfig, TrainingJob};

use super::clock::{latest, now};
use super::last_offers::last_offers;
use super::progress::Bars;
use super::state::WithoutState;
use super::train::markets;
use super::{ConfigFile, state, summary};
use crate::report::Fate;

/// Measure the quality of the answers on weeks that the model has not seen
///
/// Trains on all but the last weeks of each market, lets the model and a dozen baselines answer for these weeks, and
/// prints the metrics with 95 % confidence intervals, and whether the model would pass its market's gate. Publishes
/// nothing.
#[derive(Debug, Args)]
pub(super) struct Evaluate {
    #[command(flatten)]
    config: ConfigFile,
    /// Only this market; required with --report and --json if the config has several
    #[arg(long)]
    market: Option<Name>,
    /// Write a report for people to this file
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Write all results to this file
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
    /// Also replay the test weeks as the service would see them: each answer knows the baskets pushed before it
    #[arg(long)]
    live: bool,
    /// Number of days, at the end of the data, to test on
    #[arg(long)]
    test_days: Option<u16>,
    /// Seed of all random numbers
    #[arg(long)]
    seed: Option<u64>,
    /// Number of threads; by default one per processor
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
    #[command(flatten)]
    state: WithoutState,
}

impl Evaluate {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config.read()?;
        let mut training =
            TrainingConfig { seed: self.seed.unwrap_or(config.training.seed), ..config.training.clone() };
        training.evaluation.test_days = self.test_days.unwrap_or(training.evaluation.test_days);
        let markets = markets(&config, self.market.as_ref())?;
        if markets.len() > 1 && (self.report.is_some() || self.json.is_some()) {
            bail!("a report is about one market: name it with --market");
        }
        let names: Vec<&Name> = markets.iter().map(|(market, _)| *market).collect();
        let erased = state::erased(&config, &names, self.state)?;
        state::note(&config, self.state)?;
        for (market, input) in markets {
            let pushed = state::pushed(&config, market, self.state)?;
            let job = TrainingJob {
                erased: &|customer| erased[market].holds(customer),
                market,
                input,
                config: &training,
                registry: &ModelRegistry::new(&config.models),
                rejects: config.rejects_of(market),
                now: now()?,
                latest: latest(),
                pushed: &pushed,
                threads: self.threads,
                accept: Accept::default(),
                force: false,
            };
            let outcome = trolley_training::examine(&job, self.live, &Bars::new())?;
            let passes = outcome.decision.failures.is_empty();
            let fate = if passes { Fate::WouldPass } else { Fate::WouldNotPass };
            let offers = last_offers(outcome.tables.offers.clone(), &outcome.tables.numbers);
            let report = summary::report(&outcome, market, fate, &offers);
            report.write(self.report.as_deref(), self.json.as_deref())?;
            println!("market {market}: a model that would {}pass its gate", if passes { "" } else { "not " });
            summary::decision(&outcome);
            outcome.evaluation.iter().for_each(summary::figures);
        }
        Ok(())
    }
}
