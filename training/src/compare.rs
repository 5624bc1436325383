//! Compares two versions or two configs on the same days.

use serde::Serialize;
use trolley_model::artefact::Opened;
use trolley_model::{Model, Name};

use crate::config::{EvaluationConfig, TrainingConfig};
use crate::evaluation::{Leads, Periods, date, held_out, leads};
use crate::input::Transactions;
use crate::progress::Progress;
use crate::setting::SettingError;
use crate::train::{Tables, TrainError, TrainingJob};

/// The two sides of a comparison.
#[derive(Clone, Copy, Debug)]
pub enum Pair<'a> {
    /// The held-out models of two versions.
    Versions([&'a Name; 2]),
    /// Two configs, both fitted to the same training period.
    Configs([&'a TrainingConfig; 2]),
}

/// The second side compared with the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The first day of the comparison, `YYYY-MM-DD`.
    pub from: String,
    /// The last day of the comparison.
    pub to: String,
    /// The leads of the second over the first, by metric: `ours` is the second's.
    pub leads: Leads,
}

/// Compares a pair on the tables of a training job, whose config has the number of test days for two configs. Publishes
/// nothing.
///
/// # Errors
/// [`TrainError`], also if there are too few days or cases that neither was trained on.
pub fn compare_pair(job: &TrainingJob<'_>, pair: Pair<'_>, progress: &dyn Progress) -> Result<Compared, TrainError> {
    let tables = &job.tables(progress)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(job.threads).build()?;
    pool.install(|| match pair {
        Pair::Versions(versions) => {
            let open = |version| job.registry.held_out().open(job.market, version);
            let [a, b] = [open(versions[0])?, open(versions[1])?];
            let from = [&a, &b].map(|opened| unseen(&tables.transactions, opened)).into_iter().max().unwrap_or(0);
            compared(job, tables, [&a.model, &b.model], from, progress)
        }
        Pair::Configs(configs) => {
            let transactions = &tables.transactions;
            let periods = Periods::judged(transactions, &job.config.evaluation).map_err(TrainError::NotJudged)?;
            let fit = |config: &TrainingConfig| {
                let test_days = job.config.evaluation.test_days;
                let evaluation = EvaluationConfig { test_days, ..config.evaluation.clone() };
                let config = TrainingConfig { evaluation, ..config.clone() };
                config.check()?;
                let fitted = held_out(tables.view(), &config, &periods, None, progress)?;
                Ok::<Model, TrainError>(fitted.model)
            };
            let [a, b] = [fit(configs[0])?, fit(configs[1])?];
            compared(job, tables, [&a, &b], periods.test, progress)
        }
    })
}

/// The first basket after the last training day of a model.
fn unseen(transactions: &Transactions, opened: &Opened) -> usize {
    transactions.baskets.partition_point(|basket| date(basket.day) <= opened.manifest.data.last_day)
}

fn compared(
    job: &TrainingJob<'_>,
    tables: &Tables,
    [a, b]: [&Model; 2],
    from: usize,
    progress: &dyn Progress,
) -> Result<Compared, TrainError> {
    let baskets = &tables.transactions.baskets;
    let day = |at: usize| baskets.get(at).map_or_else(String::new, |basket| date(basket.day));
    progress.begin("comparison of models", 1);
    let leads = leads([b, a], tables.view(), from..baskets.len(), job.config.seed);
    progress.end();
    if leads.is_empty() {
        return Err(TrainError::Setting(SettingError::new(format!(
            "there are fewer than 100 cases after the last day that either has seen ({} baskets): the tables must reach \
             further",
            baskets.len() - from
        ))));
    }
    Ok(Compared { from: day(from), to: day(baskets.len().saturating_sub(1)), leads })
}
