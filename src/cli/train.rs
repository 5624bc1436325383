use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use trolley_model::Name;
use trolley_model::artefact::Shelf;
use trolley_training::{InputConfig, Order, Outcome, TrainingConfig};

use super::progress::Bars;
use super::recommend::last_offers;
use super::table::{Table, thousands};
use super::{ConfigFile, summary};
use crate::config::Config;
use crate::live::CustomerHash;
use crate::report::Verdict;
use crate::store::Store;

/// Learn a model for each market and publish it
///
/// Reads the market's tables, learns, judges the model on weeks held back, and puts a new version into the models
/// folder, where a running service finds it. A model that does not pass the market's gate is kept aside instead, and the
/// command fails. The reports folder gets a page about it either way. A market that fails leaves the others' models
/// published; a table at the end says what became of each.
///
/// Rejected rows are counted by reason and listed in the rejects folder. The same input, config and seed give the same
/// model at any number of threads; with `SOURCE_DATE_EPOCH` (Unix seconds) as the time, even the same bytes.
#[derive(Debug, Args)]
pub(super) struct Train {
    #[command(flatten)]
    config: ConfigFile,
    /// Only this market
    #[arg(long)]
    market: Option<Name>,
    /// All randomness follows from it
    #[arg(long)]
    seed: Option<u64>,
    /// Threads to train on; by default all processors
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Publish even what does not pass its gate; the manifest says so
    #[arg(long)]
    force: bool,
}

/// Writes the report of a training into the reports folder: the page, and the same as JSON.
pub(super) fn report(outcome: &Outcome, market: &Name, config: &Config) -> anyhow::Result<()> {
    let Some(manifest) = &outcome.manifest else { return Ok(()) };
    let verdict = match (outcome.published, outcome.failures.is_empty()) {
        (true, true) => Verdict::Published,
        (true, false) => Verdict::Forced,
        (false, _) => Verdict::Rejected,
    };
    let file = |kind| config.report_of(market, &manifest.version, kind);
    let offers = last_offers(outcome.tables.offers.clone(), &outcome.tables.numbers);
    summary::report(outcome, market, verdict, &offers).write(Some(&file("html")), Some(&file("json")))
}

impl Train {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config.read()?;
        let training = TrainingConfig { seed: self.seed.unwrap_or(config.training.seed), ..config.training.clone() };
        let shelf = Shelf::new(&config.models);
        let now = now()?;
        let markets = markets(&config, self.market.as_ref())?;
        let erased = erased(&config, &markets)?;
        let mut ends = Table::new(&["market", "model", "version", "baskets", "seconds"]);
        let (mut rejected, mut failed) = (Vec::new(), Vec::new());
        for (market, input) in &markets {
            let order = Order {
                market,
                input,
                config: &training,
                shelf: &shelf,
                rejects: config.rejects_of(market),
                now,
                latest: latest(),
                erased: &erased[*market],
                threads: self.threads,
                force: self.force,
            };
            // One market's trouble must not keep the others from their models.
            let end = match train(&order, &config) {
                Ok(outcome) => {
                    let facts = outcome.manifest.as_ref();
                    let (version, baskets) =
                        facts.map_or_else(Default::default, |m| (m.version.to_string(), thousands(m.data.baskets)));
                    if !outcome.published {
                        rejected.push(market.as_str());
                    }
                    let end = if outcome.published { "published" } else { "rejected by its gate" };
                    [end.to_owned(), version, baskets, format!("{:.1}", outcome.costs.seconds)]
                }
                Err(error) => {
                    eprintln!("market `{market}`: no new model: {error:#}");
                    failed.push(market.as_str());
                    ["failed", "", "", ""].map(str::to_owned)
                }
            };
            ends.row(std::iter::once(market.to_string()).chain(end).collect());
        }
        if markets.len() > 1 {
            println!();
            ends.print(false)?;
        }
        match (failed.is_empty(), rejected.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => bail!("not published, because the gate was not passed: {}", rejected.join(", ")),
            (false, true) => bail!("no new model for {}", failed.join(", ")),
            (false, false) => {
                bail!("no new model for {}; the gate was not passed by {}", failed.join(", "), rejected.join(", "))
            }
        }
    }
}

/// The customers of each market who have been erased. Without a database nobody has been; one that can't be read is an
/// error, for they must not come back.
pub(super) fn erased(
    config: &Config,
    markets: &[(&Name, &InputConfig)],
) -> anyhow::Result<BTreeMap<Name, HashSet<[u8; 32]>>> {
    let none = || markets.iter().map(|(market, _)| ((*market).clone(), HashSet::new())).collect();
    if !Store::exists(&config.server.state) {
        return Ok(none());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let read = async {
        let (store, mut all) = (Store::open(&config.server.state).await?, none());
        for (market, erased) in &mut all {
            let hashes = store.erased(market.as_str()).await?;
            erased.extend(hashes.iter().filter_map(|hash| Some(*CustomerHash::from_hex(hash).ok()?.as_bytes())));
        }
        anyhow::Ok(all)
    };
    runtime.block_on(read).context("the customers who have been erased cannot be read, and must be left out")
}

/// One market, with its report and summary.
fn train(order: &Order<'_>, config: &Config) -> anyhow::Result<Outcome> {
    let outcome = trolley_training::train(order, &Bars::new())?;
    report(&outcome, order.market, config)?;
    summary::print(&outcome, order, config);
    Ok(outcome)
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
