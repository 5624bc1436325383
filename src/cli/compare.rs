use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use trolley_model::Name;
use trolley_model::artefact::ModelRegistry;
use trolley_training::{Accept, Compared, Pair, TrainingConfig, TrainingJob, compare_pair};

use super::ConfigFile;
use super::clock::{latest, now};
use super::progress::Bars;
use super::state::{self, WithoutState};
use super::table::{Table, thousands};
use super::train::markets;
use crate::config::Config;
use crate::report::words;

/// Compare two versions of a model, or two configs, on the same days
///
/// Two versions: their held-out models are compared on the days that neither has seen. Two configs: a model is trained
/// with each on the same past, and both are compared on the last days (the tables are those of A; only `[training]` of
/// B is used). Prints the lead of B over A in every benchmark, paired, with 95 % confidence intervals over customers.
/// Publishes nothing.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// A version, or a config file
    a: String,
    /// A version, or a config file
    b: String,
    #[command(flatten)]
    config: ConfigFile,
    /// The market; required if the config has several
    #[arg(long)]
    market: Option<Name>,
    /// Two configs: number of days, at the end of the data, to compare them on
    #[arg(long)]
    test_days: Option<u16>,
    /// Write all results to this file
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
    #[command(flatten)]
    state: WithoutState,
    /// Number of threads; by default one per processor
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

impl Compare {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match [&self.a, &self.b].map(|text| is_file(text)) {
            [true, true] => {
                if self.config.config.is_some() {
                    bail!("two configs are compared on the tables of the first: leave --config out");
                }
                let [a, b] = [Config::read(Path::new(&self.a))?, Config::read(Path::new(&self.b))?];
                let mut training = a.training.clone();
                training.evaluation.test_days = self.test_days.unwrap_or(training.evaluation.test_days);
                self.compare(&a, &training, Pair::Configs([&a.training, &b.training]))
            }
            [false, false] => {
                let version = |text: &str| {
                    Name::new(text).with_context(|| format!("`{text}` is neither a config file nor a version"))
                };
                let [a, b] = [version(&self.a)?, version(&self.b)?];
                let config = self.config.read()?;
                self.compare(&config, &config.training, Pair::Versions([&a, &b]))
            }
            _ => bail!("compare two versions or two config files, not one of each"),
        }
    }

    fn compare(&self, config: &Config, training: &TrainingConfig, pair: Pair<'_>) -> anyhow::Result<()> {
        let markets = markets(config, self.market.as_ref())?;
        let [(market, input)] = markets[..] else { bail!("the config has several markets: name one with --market") };
        let erased = state::erased(config, &[market], self.state)?;
        let pushed = state::pushed(config, market, self.state)?;
        let job = TrainingJob {
            market,
            input,
            config: training,
            registry: &ModelRegistry::new(&config.models),
            rejects: config.rejects_of(market),
            now: now()?,
            latest: latest(),
            erased: &|customer| erased[market].holds(customer),
            pushed: &pushed,
            threads: self.threads,
            accept: Accept::default(),
            force: false,
        };
        let compared = compare_pair(&job, pair, &Bars::new())?;
        if let Some(file) = &self.json {
            let text = serde_json::to_string_pretty(&compared)?;
            std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        let Compared { from, to, leads } = &compared;
        println!(
            "market {market}: {} compared with {} on {from} to {to}, which neither model has seen",
            self.b, self.a
        );
        let mut table = Table::new(&["figure", "cases", "customers", "A", "B", "lead of B", "95 % interval"]);
        let percent = |share: f64| format!("{:+.1} %", share * 100.0);
        for (name, paired) in leads {
            let Some(label) = words::compared(name) else { continue };
            table.row(vec![
                label,
                thousands(paired.cases as u64),
                thousands(paired.customers as u64),
                format!("{:.4}", paired.theirs),
                format!("{:.4}", paired.ours),
                percent(paired.lead.value),
                format!("{} to {}", percent(paired.lead.low), percent(paired.lead.high)),
            ]);
        }
        table.print(false);
        Ok(())
    }
}

/// A version has neither a dot nor a slash.
fn is_file(text: &str) -> bool {
    text.contains(['.', '/'])
}
