use clap::Args;
use trolley_model::Name;
use trolley_training::{Evaluation, TrainingConfig};

use super::ConfigFile;
use super::progress::Bars;
use super::table::{Table, thousands};
use super::train::{latest, markets};

/// Measure how good the answers are on weeks not seen
///
/// Fits a model on all but the last days of each market and asks it for the rest of each later basket, given one item
/// of it. Publishes nothing.
#[derive(Debug, Args)]
pub(super) struct Evaluate {
    #[command(flatten)]
    config: ConfigFile,
    /// Only this market
    #[arg(long)]
    market: Option<Name>,
    /// The last so many days are the test
    #[arg(long, default_value_t = 31)]
    test_days: u16,
    /// All randomness follows from it
    #[arg(long)]
    seed: Option<u64>,
    /// CSV instead of a table
    #[arg(long)]
    csv: bool,
}

impl Evaluate {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config.read()?;
        let training = TrainingConfig { seed: self.seed.unwrap_or(config.training.seed), ..config.training.clone() };
        for (market, input) in markets(&config, self.market.as_ref())? {
            let progress = Bars::new();
            let tables = trolley_training::read(market, input, &config.rejects_of(market), latest(), &progress)?;
            tables.judge(input.max_rejected)?;
            let found =
                trolley_training::evaluate(&tables.transactions, &tables.items, &training, self.test_days, &progress)
                    .map_err(anyhow::Error::msg)?;
            print(market, &found, self.csv)?;
        }
        Ok(())
    }
}

fn print(market: &Name, found: &Evaluation, csv: bool) -> std::io::Result<()> {
    if !csv {
        println!(
            "{market}: {} test baskets, {} of them with a known customer",
            thousands(found.queries as u64),
            thousands(found.known_customers as u64)
        );
    }
    let mut table = Table::new(&["market", "answers", "HR@6", "recall@6", "nDCG@6"]);
    let mut scores: Vec<_> = found.scores.iter().collect();
    scores.sort_by(|a, b| b.1.hit_rate.total_cmp(&a.1.hit_rate));
    for (name, score) in scores {
        let figure = |value: f64| format!("{value:.4}");
        table.row(vec![
            market.to_string(),
            name.clone(),
            figure(score.hit_rate),
            figure(score.recall),
            figure(score.ndcg),
        ]);
    }
    table.print(csv)
}
