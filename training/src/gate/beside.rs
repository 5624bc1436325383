//! Compares the evaluated model with its predecessors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trolley_model::artefact::{ArtefactError, Manifest, ModelRegistry, Opened};
use trolley_model::{Model, Name};

use super::non_inferiority::{NonInferiority, could_be_decisive, shown};
use super::reference;
use crate::config::{EvaluationConfig, TrainingConfig};
use crate::evaluation::{self, DUE_TO_ITEM, HeldOut, Judged, Leads, Periods, QUESTIONS, date, held_out, leads};
use crate::progress::Progress;
use crate::train::{TrainError, TrainingJob};

/// The leads of a new model over its predecessors. The held-out models are compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The version in service.
    pub in_service: String,
    /// Whether it was evaluated itself.
    pub was_judged: bool,
    /// The metrics that were measured for it.
    #[serde(skip)]
    pub(crate) measured: Vec<String>,
    /// The last days of both models' data, if the new one ends earlier.
    pub older_data: Option<(String, String)>,
    /// Why its held-out model is not available for comparison, if so.
    pub not_compared: Option<String>,
    /// The training periods of the new model and of the held-out one in service, and the days of the comparison.
    pub days: Option<Days>,
    /// The lead of the new model over it; empty if there are too few cases on days that neither was trained on.
    pub leads: Leads,
    /// The part of the lead that comes from newer data alone: the lead over the model in service of its own settings,
    /// fitted to the training period of the new model.
    pub freshness: Leads,
    /// The new settings compared with those in service, both fitted to the same training period.
    pub settings: Settings,
    /// The comparison with the best model of the last 30 days, if that is another one.
    pub reference: Option<Reference>,
    /// The manifest of the model in service.
    #[serde(skip)]
    pub(crate) manifest: Option<Manifest>,
}

/// The training periods of two models, and the days of their comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Days {
    /// The last training day of the new model.
    pub ours_until: String,
    /// The last training day of the other model.
    pub theirs_until: String,
    /// The first day of the comparison.
    pub from: String,
    /// The last day of the comparison.
    pub to: String,
}

/// The comparison of new settings with those in service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// They are equal, or there is nothing to compare with.
    #[default]
    Same,
    /// Those in service cannot be parsed any more, for this reason.
    Unreadable(String),
    /// Both were evaluated on the same days.
    Compared {
        /// Number of days.
        days: u16,
        /// The lead of the new settings.
        leads: Leads,
        /// The findings, by metric.
        findings: BTreeMap<String, NonInferiority>,
    },
}

/// The best of the recent models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Its version.
    pub version: String,
    /// The lead of the new model over it.
    pub leads: Leads,
}

/// Compares the evaluated model with the held-out models of the version in service and of the reference, and its
/// settings with those in service. `None` if no model is in service.
pub(crate) fn compare(
    job: &TrainingJob<'_>,
    tables: evaluation::Tables<'_>,
    judged: Option<&Judged>,
    progress: &dyn Progress,
) -> Result<Option<Comparison>, TrainError> {
    let current = match job.registry.current(job.market) {
        Ok(current) => current,
        Err(ArtefactError::NoModel { .. }) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let mut comparison = Comparison { in_service: current.to_string(), ..Comparison::default() };
    let manifest = match job.registry.manifest(job.market, &current) {
        Ok(manifest) => manifest,
        // After an upgrade, a model of an older format must not block all new ones.
        Err(error @ ArtefactError::Format { .. }) => {
            comparison.not_compared = Some(error.to_string());
            return Ok(Some(comparison));
        }
        Err(error) => {
            (comparison.was_judged, comparison.not_compared) = (true, Some(error.to_string()));
            return Ok(Some(comparison));
        }
    };
    comparison.was_judged = manifest.was_judged();
    comparison.measured = manifest.evaluation.keys().cloned().collect();
    let baskets = &tables.transactions.baskets;
    let last = baskets.last().map_or_else(String::new, |basket| date(basket.day));
    if last < manifest.data.last_day {
        comparison.older_data = Some((last, manifest.data.last_day.clone()));
    }
    if let Some(judged) = judged {
        let other = other_settings(job, &manifest);
        let beside = Beside { job, tables, judged, progress };
        match job.registry.held_out().open(job.market, &current) {
            Ok(theirs) => beside.data(&theirs, &mut comparison),
            Err(error) => comparison.not_compared = Some(error.to_string()),
        }
        comparison.settings = match other {
            Ok(None) => {
                comparison.freshness = comparison.leads.clone();
                Settings::Same
            }
            Ok(Some(other)) => beside.settings(&other, &mut comparison)?,
            Err(why) => Settings::Unreadable(why.to_string()),
        };
        let reference = reference::of(job.registry, &manifest, job.now);
        if let Some((version, theirs)) = reference.filter(|(version, _)| *version != current) {
            let leads = beside.leads_over(&theirs);
            comparison.reference = Some(Reference { version: version.to_string(), leads });
        }
    }
    comparison.manifest = Some(manifest);
    Ok(Some(comparison))
}

/// The settings in service, with the seed and the test days of the job; `None` if that makes them equal to the settings
/// of the job.
fn other_settings(job: &TrainingJob<'_>, manifest: &Manifest) -> Result<Option<TrainingConfig>, serde_json::Error> {
    let theirs: TrainingConfig = serde_json::from_value(manifest.config.clone())?;
    let EvaluationConfig { test_days, longest_test_days, .. } = job.config.evaluation;
    let theirs = TrainingConfig {
        seed: job.config.seed,
        evaluation: EvaluationConfig { test_days, longest_test_days, ..theirs.evaluation.clone() },
        ..theirs
    };
    Ok((theirs != *job.config).then_some(theirs))
}

/// The inputs of a comparison.
struct Beside<'a> {
    job: &'a TrainingJob<'a>,
    tables: evaluation::Tables<'a>,
    judged: &'a Judged,
    progress: &'a dyn Progress,
}

impl Beside<'_> {
    /// The position of the first basket that neither model was trained on.
    fn unseen(&self, theirs: &Opened) -> usize {
        let baskets = &self.tables.transactions.baskets;
        let seen = baskets.partition_point(|basket| date(basket.day) <= theirs.manifest.data.last_day);
        seen.max(self.judged.test)
    }

    fn leads(&self, models: [&Model; 2], from: usize) -> Leads {
        self.progress.begin("comparison of models", 1);
        let test = from..self.tables.transactions.baskets.len();
        let leads = leads(models, self.tables, test, self.job.config.seed);
        self.progress.end();
        leads
    }

    fn leads_over(&self, theirs: &Opened) -> Leads {
        self.leads([&self.judged.model, &theirs.model], self.unseen(theirs))
    }

    fn data(&self, theirs: &Opened, comparison: &mut Comparison) {
        comparison.leads = self.leads_over(theirs);
        let baskets = &self.tables.transactions.baskets;
        let day = |at: usize| baskets.get(at).map_or_else(String::new, |basket| date(basket.day));
        comparison.days = Some(Days {
            ours_until: day(self.judged.test.saturating_sub(1)),
            theirs_until: theirs.manifest.data.last_day.clone(),
            from: day(self.unseen(theirs)),
            to: day(baskets.len().saturating_sub(1)),
        });
    }

    /// Fits the settings in service to the same training period as the evaluated model. If its test days cannot decide,
    /// fits both settings to the period before the longest test.
    fn settings(&self, other: &TrainingConfig, comparison: &mut Comparison) -> Result<Settings, TrainError> {
        let (config, tolerances) = (self.job.config, self.job.gate().tolerances());
        let transactions = self.tables.transactions;
        let fit = |config: &TrainingConfig, days: u16| -> Result<Option<(HeldOut, usize)>, TrainError> {
            let evaluation = EvaluationConfig { test_days: days, ..config.evaluation.clone() };
            let Ok(periods) = Periods::judged(transactions, &evaluation) else { return Ok(None) };
            let fitted = held_out(self.tables, config, &periods, None, self.progress)?;
            Ok(Some((fitted, periods.test)))
        };
        let (mut days, longest) = (config.evaluation.test_days, config.evaluation.longest_test_days);
        let Some((theirs, _)) = fit(other, days)? else { return Ok(Settings::Same) };
        let mut leads = self.leads([&self.judged.model, &theirs.model], self.judged.test);
        if let Ok(in_service) = self.job.registry.held_out().open(self.job.market, &Name::new(&comparison.in_service)?)
        {
            comparison.freshness = self.leads([&theirs.model, &in_service.model], self.unseen(&in_service));
        }
        drop(theirs);
        let times = f64::from(longest) / f64::from(days.max(1));
        let undecided = leads.iter().any(|(name, paired)| {
            tolerances.get(name).is_some_and(|&tolerance| {
                is_to_be_shown(name)
                    && shown(&paired.lead, tolerance) == NonInferiority::Weak
                    && could_be_decisive(&paired.lead, tolerance, times)
            })
        });
        if undecided
            && longest > days
            && self.is_long_enough(longest)
            && let (Some((ours, test)), Some((theirs, _))) = (fit(config, longest)?, fit(other, longest)?)
        {
            days = longest;
            leads = self.leads([&ours.model, &theirs.model], test);
        }
        let finding = |(name, paired): (&String, &evaluation::Paired)| {
            let tolerance = *tolerances.get(name)?;
            let found = match shown(&paired.lead, tolerance) {
                NonInferiority::Weak | NonInferiority::NotShown if !is_to_be_shown(name) => NonInferiority::NotWorse,
                found => found,
            };
            Some((name.clone(), found))
        };
        let findings = leads.iter().filter_map(finding).collect();
        Ok(Settings::Compared { days, leads, findings })
    }

    /// Whether there are enough days before a test of this length to learn blends from.
    fn is_long_enough(&self, days: u16) -> bool {
        let EvaluationConfig { validation_days, .. } = self.job.config.evaluation;
        let baskets = &self.tables.transactions.baskets;
        let covered = baskets.first().zip(baskets.last()).map_or(0, |(first, last)| last.day - first.day + 1);
        covered > days.saturating_add(validation_days.saturating_mul(2))
    }
}

/// Whether new settings must be shown to be non-inferior in a metric: only in those of a question with a blend of its
/// own. Hits on items new to the customer are too rare, and `due_to_item` is too close to 0, to show anything alone.
fn is_to_be_shown(name: &str) -> bool {
    name.split_once('.').is_some_and(|(benchmark, _)| QUESTIONS.contains(&benchmark)) && !DUE_TO_ITEM.contains(&name)
}

/// The versions whose held-out models the next training is compared with: the one in service and its reference. They
/// must not be removed.
///
/// # Errors
/// If the market has no model, or its manifest cannot be read.
pub fn references(registry: &ModelRegistry, market: &Name) -> Result<Vec<Name>, ArtefactError> {
    let current = registry.current(market)?;
    let manifest = registry.manifest(market, &current)?;
    let reference = manifest.judgement.and_then(|judgement| judgement.reference);
    Ok([current].into_iter().chain(reference).collect())
}
