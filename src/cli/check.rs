use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use trolley_model::Name;
use trolley_training::input::{InputError, Look, RowOutcomes};
use trolley_training::{EvaluationConfig, InputConfig};

use super::ConfigFile;
use super::clock::latest;
use super::look;
use super::progress::Bars;
use super::train::markets;
use crate::output;

/// Read the config and the tables, and report problems
///
/// Trains nothing. Prints for each market which files were read and which were not, how many rows were left out or
/// rejected and why, the rows per month, the contents of the columns, how well the tables fit together, and findings. A
/// finding is a warning, or an error that would stop the training; with errors the command fails. docs/data.md explains
/// each finding.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigFile,
    /// Only this market
    #[arg(long)]
    market: Option<Name>,
    /// Print everything as JSON, or write it to a file (docs/data.md describes the format)
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// The result for a market, as JSON.
#[derive(Serialize)]
struct Checked<'a> {
    market: &'a Name,
    /// Why the tables could not be read, or would stop the training.
    error: Option<String>,
    /// Why a model trained on these tables would not be judged.
    not_judged: Option<String>,
    #[serde(flatten)]
    look: Option<Look>,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.config.read()?;
        config.training.check()?;
        let json_only = self.json.as_ref().is_some_and(|file| file.as_os_str() == "-");
        let mut all = Vec::new();
        for (market, input) in markets(&config, self.market.as_ref())? {
            let list = config.rejects_of(market);
            let (mut text, checked) =
                check(market, input, &config.training.evaluation, RowOutcomes::listed_if_possible(&list));
            text.insert_str(0, &format!("market {market}\n"));
            if let Some(error) = &checked.error {
                eprintln!("market `{market}`: {error}");
            }
            if !json_only {
                output::print(|out| out.write_all(text.as_bytes()));
            }
            all.push(checked);
        }
        if let Some(file) = &self.json {
            let text = serde_json::to_string_pretty(&serde_json::json!({ "markets": all }))?;
            if json_only {
                println!("{text}");
            } else {
                std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
            }
        }
        let wrong: Vec<&str> =
            all.iter().filter(|checked| checked.error.is_some()).map(|checked| checked.market.as_str()).collect();
        if wrong.is_empty() { Ok(()) } else { bail!("training would fail for {}", wrong.join(", ")) }
    }
}

/// The text for people, and the result for JSON.
fn check<'a>(
    market: &'a Name,
    input: &InputConfig,
    evaluation: &EvaluationConfig,
    row_outcomes: RowOutcomes,
) -> (String, Checked<'a>) {
    let wrong = |error: String| (String::new(), Checked { market, error: Some(error), not_judged: None, look: None });
    if let Err(error) = input.check() {
        return wrong(error.to_string());
    }
    let tables = match trolley_training::read(market, input, &[], row_outcomes, latest(), &Bars::new()) {
        Ok(tables) => tables,
        Err(error) => return wrong(error.to_string()),
    };
    let error = tables.judge(input.max_rejected).err().map(|error| match error {
        InputError::Findings(errors) => format!("errors among the findings: {}", errors.len()),
        other => other.to_string(),
    });
    let not_judged = trolley_training::judgeable(&tables.transactions, evaluation).err().map(|why| why.to_string());
    let mut text = look::text(&tables);
    if let Some(why) = &not_judged {
        text.push_str(&look::wrapped(&format!("NOT JUDGED: a model of these tables would not be judged: {why}")));
    }
    (text, Checked { market, error, not_judged, look: Some(tables.look) })
}
