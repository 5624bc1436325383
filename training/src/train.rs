//! The whole pipeline: tables in, a published model out.

use std::path::PathBuf;
use std::time::Instant;
use trolley_model::figures::Evaluation;

use chrono::{DateTime, Utc};
use trolley_model::artefact::{ArtefactError, DataFacts, Draft, Judgement, Manifest, ModelRegistry};
use trolley_model::{BadName, Model, ModelError, Name, Parts};

use crate::config::TrainingConfig;
use crate::costs::{Costs, peak_memory};
use crate::count::Scope;
use crate::evaluation::{self, Judged, NotJudged, date, evaluate, evaluate_live, evaluate_next_basket};
use crate::fit::fit;
use crate::gate::{self, Accept, Comparison, Decision, GateConfig, Volume, compare, next_reference, rule};
use crate::input::{
    self, ANONYMOUS, InputConfig, InputError, InputTable, Items, Look, OfferRow, PushedBasket, RowOutcomes,
    Transactions,
};
use crate::learn::Fitted;
use crate::neighbours::neighbours;
use crate::progress::{Progress, Timed};
use crate::setting::SettingError;

/// A training job: its inputs, and where the model is published.
pub struct TrainingJob<'a> {
    /// The market.
    pub market: &'a Name,
    /// Its tables and their columns.
    pub input: &'a InputConfig,
    /// The training config.
    pub config: &'a TrainingConfig,
    /// The registry to publish to.
    pub registry: &'a ModelRegistry,
    /// The file for the rejected rows.
    pub rejects: PathBuf,
    /// The time of the training, from which the version is named.
    pub now: DateTime<Utc>,
    /// Transactions later than this are rejected.
    pub latest: DateTime<Utc>,
    /// Whether a customer ID is erased; the purchases of erased customers become anonymous.
    pub erased: &'a (dyn Fn(&str) -> bool + Sync),
    /// Baskets that were pushed to the service, for trainings with `include_pushed`.
    pub pushed: &'a [PushedBasket],
    /// Number of threads; 0 for all processors.
    pub threads: usize,
    /// Failures of the gate that are accepted.
    pub accept: Accept,
    /// Whether to publish a model that fails the gate.
    pub force: bool,
}

impl TrainingJob<'_> {
    /// Reads the tables, and erases the erased customers from them.
    pub(crate) fn tables(&self, progress: &dyn Progress) -> Result<Tables, TrainError> {
        let row_outcomes = RowOutcomes::listed_in(&self.rejects)?;
        let mut tables = read(self.market, self.input, self.pushed, row_outcomes, self.latest, progress)?;
        tables.transactions.forget(self.erased);
        tables.judge(self.input.max_rejected)?;
        Ok(tables)
    }

    /// The gate of the market.
    pub(crate) fn gate(&self) -> GateConfig {
        self.input.gate.clone().unwrap_or_else(GateConfig::standard)
    }
}

/// Why no model was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TrainError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    #[error("{0}")]
    Setting(#[from] SettingError),
    #[error("nothing can be judged: {0}")]
    NotJudged(NotJudged),
    #[error("the model cannot be made: {0}; if numbers ran away, lower training.skipgram.learning_rate")]
    Fit(#[from] ModelError),
    #[error("the training config cannot be stored: {0}")]
    Config(#[from] serde_json::Error),
    #[error("no name for the new version: {0}")]
    Name(#[from] BadName),
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// The input tables of a market.
#[derive(Debug)]
pub struct Tables {
    /// The baskets.
    pub transactions: Transactions,
    /// The items table, empty if there is none.
    pub items: Items,
    /// The offer history, empty if there is none.
    pub offers: Vec<OfferRow>,
    /// The names of the offers' numbers.
    pub numbers: Vec<String>,
    /// The outcome of each row, counted.
    pub row_outcomes: RowOutcomes,
    /// The statistics of the tables, and the findings.
    pub look: Look,
}

impl Tables {
    /// The tables as the evaluation needs them.
    pub fn view(&self) -> evaluation::Tables<'_> {
        evaluation::Tables {
            transactions: &self.transactions,
            items: &self.items,
            offers: &self.offers,
            numbers: &self.numbers,
        }
    }

    /// Refuses tables with too large a share of rejected rows, or with an error finding that the config does not
    /// accept.
    ///
    /// # Errors
    /// [`InputError::TooManyRejects`], [`InputError::Findings`]
    pub fn judge(&self, limit: f64) -> Result<(), InputError> {
        for table in [InputTable::Items, InputTable::Transactions, InputTable::Offers] {
            self.row_outcomes.judge(table, limit)?;
        }
        let errors: Vec<String> = self.look.errors().map(ToString::to_string).collect();
        if errors.is_empty() { Ok(()) } else { Err(InputError::Findings(errors)) }
    }
}

/// Reads a market's tables and checks them. Transactions later than `latest` are rejected; `row_outcomes` counts the
/// outcomes of the rows.
///
/// # Errors
/// See [`input::read_transactions`]. Whether the tables are good enough is decided by [`Tables::judge`].
pub fn read(
    market: &Name,
    input: &InputConfig,
    pushed: &[PushedBasket],
    mut row_outcomes: RowOutcomes,
    latest: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<Tables, InputError> {
    progress.begin("reading", 3);
    let items = input::read_items(input, &mut row_outcomes)?;
    progress.advance(1);
    let transactions =
        input::read_with_pushed(input, market.as_str(), latest.timestamp(), &items, pushed, &mut row_outcomes)?;
    progress.advance(1);
    let offers = input::read_offers(input, market.as_str(), &mut row_outcomes)?;
    progress.advance(1);
    progress.end();
    let look = input::look(input, &transactions, &items, &offers, &row_outcomes);
    let numbers = input.columns.offers.numbers.clone();
    Ok(Tables { transactions, items, offers: offers.rows, numbers, row_outcomes, look })
}

/// The outcome of a training.
#[derive(Debug)]
pub struct Outcome {
    /// The manifest; `None` if the model was only evaluated.
    pub manifest: Option<Manifest>,
    /// Whether the model was published: it passed the gate, or was forced. A pinned market keeps serving its pinned
    /// model. A model with a manifest that was not published is stored among the rejected ones.
    pub published: bool,
    /// The model: trained on all days, or on those before the test if it was only evaluated.
    pub model: Model,
    /// The evaluation, or why there is none.
    pub evaluation: Result<Evaluation, NotJudged>,
    /// The comparison with the predecessors; `None` if there is none.
    pub comparison: Option<Comparison>,
    /// The decision of the gate.
    pub decision: Decision,
    /// Time and memory.
    pub costs: Costs,
    /// Mean loss of the item embeddings per epoch.
    pub losses: Vec<f64>,
    /// The tables that it was trained on.
    pub tables: Tables,
}

/// An evaluated model, with everything needed to continue.
struct Beginning {
    started: Instant,
    tables: Tables,
    pool: rayon::ThreadPool,
    judged: Result<Judged, NotJudged>,
    comparison: Option<Comparison>,
}

fn begin(job: &TrainingJob<'_>, progress: &dyn Progress) -> Result<Beginning, TrainError> {
    let started = Instant::now();
    job.config.check()?;
    job.input.check().map_err(|e| TrainError::Setting(SettingError::new(format!("markets.{}.{e}", job.market))))?;
    let tables = job.tables(progress)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(job.threads).build()?;
    let judged = pool.install(|| evaluate(tables.view(), job.config, progress))?;
    let comparison = pool.install(|| compare(job, tables.view(), judged.as_ref().ok(), progress))?;
    Ok(Beginning { started, tables, pool, judged, comparison })
}

/// The costs so far, and the decision of the gate.
fn verdict(
    job: &TrainingJob<'_>,
    started: Instant,
    evaluation: Result<&Evaluation, &NotJudged>,
    comparison: Option<&Comparison>,
    tables: &Tables,
    progress: &Timed<'_>,
) -> (Costs, Decision) {
    let costs =
        Costs { seconds: started.elapsed().as_secs_f64(), peak_memory: peak_memory(), stages: progress.stages() };
    let volume = Volume::of(&tables.transactions, tables.transactions.baskets.len());
    let examined = gate::Examined { evaluation, comparison, volume: &volume, costs: &costs };
    let decision = rule(job.input.gate.as_ref(), &examined, job.accept);
    (costs, decision)
}

/// Trains and evaluates, also by the next-basket protocol of the literature, and publishes nothing. With `live`, it also
/// replays the test weeks, each answer knowing the baskets before it.
///
/// # Errors
/// [`TrainError`], also if no test period can be held out.
pub fn examine(job: &TrainingJob<'_>, live: bool, progress: &dyn Progress) -> Result<Outcome, TrainError> {
    let progress = &Timed::new(progress);
    let Beginning { started, tables, pool, judged, comparison } = begin(job, progress)?;
    let judged = judged.map_err(TrainError::NotJudged)?;
    let replayed = if live {
        progress.begin("evaluation with live baskets", 1);
        let replayed = pool.install(|| evaluate_live(&judged, &tables.transactions, job.config.seed));
        progress.end();
        replayed
    } else {
        Vec::new()
    };
    let Judged { mut evaluation, model, losses, .. } = judged;
    let next_basket = pool.install(|| evaluate_next_basket(tables.view(), job.config, progress));
    let (benchmarks, tuned) = next_basket?;
    evaluation.benchmarks.extend(benchmarks);
    evaluation.benchmarks.extend(replayed);
    evaluation.tuned.extend(tuned);
    let (costs, decision) = verdict(job, started, Ok(&evaluation), comparison.as_ref(), &tables, progress);
    let evaluation = Ok(evaluation);
    Ok(Outcome { manifest: None, published: false, model, evaluation, comparison, decision, costs, losses, tables })
}

/// Reads, trains, evaluates, and publishes the model if it passes the gate.
///
/// # Errors
/// [`TrainError`]; the model in service then stays unchanged, as it does if the new one fails the gate.
pub fn train(job: &TrainingJob<'_>, progress: &dyn Progress) -> Result<Outcome, TrainError> {
    let progress = &Timed::new(progress);
    let Beginning { started, tables, pool, judged, comparison } = begin(job, progress)?;
    let Tables { transactions, items, offers, .. } = &tables;
    let Fitted { mut parts, losses } = pool
        .install(|| fit(transactions, transactions.baskets.len(), items, offers, job.config, Scope::All, progress))?;
    parts.neighbours = pool.install(|| neighbours(&parts.input, progress));
    let mut model = Model::new(parts)?;
    if let Ok(judged) = &judged {
        model = model.reblended(judged.model.blends().clone())?;
    }
    let evaluation = judged.as_ref().map(|judged| &judged.evaluation);
    let (costs, decision) = verdict(job, started, evaluation, comparison.as_ref(), &tables, progress);
    let published = decision.failures.is_empty() || job.force;

    progress.begin("publishing", 1);
    let judgement = Judgement {
        verdict: decision.verdict,
        reasons: decision.reasons.clone(),
        accepted: decision.accepted_kinds(),
        reference: next_reference(comparison.as_ref(), job.now),
    };
    let draft = Draft {
        market: job.market.clone(),
        version: new_version(job)?,
        created_at: job.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        data: facts(&tables, transactions.baskets.len(), model.parts()),
        config: serde_json::to_value(job.config)?,
        evaluation: evaluation.map(Evaluation::figures).unwrap_or_default(),
        failed_gates: decision.failures.iter().map(|failure| failure.gate.clone()).collect(),
        judgement: Some(judgement),
        parts: model.parts(),
    };
    let registry = if published { job.registry.clone() } else { job.registry.rejected() };
    // Published first, so that no model is in service without its held-out one.
    if let Ok(Judged { model, test, .. }) = &judged {
        let (data, parts) = (facts(&tables, *test, model.parts()), model.parts());
        registry.held_out().publish(&Draft { data, parts, ..draft.clone() })?;
    }
    let manifest = Some(registry.publish(&draft)?);
    progress.end();
    let evaluation = judged.map(|judged| judged.evaluation);
    Ok(Outcome { manifest, published, model, evaluation, comparison, decision, costs, losses, tables })
}

/// The data facts of a model of the first `until` baskets.
fn facts(tables: &Tables, until: usize, parts: &Parts) -> DataFacts {
    let Tables { transactions, items, row_outcomes, .. } = tables;
    let baskets = &transactions.baskets[..until];
    let volume = Volume::of(transactions, until);
    DataFacts {
        fingerprint: fingerprint(transactions, until, items),
        first_day: baskets.first().map_or_else(String::new, |basket| date(basket.day)),
        last_day: baskets.last().map_or_else(String::new, |basket| date(basket.day)),
        rows: row_outcomes.rows(InputTable::Transactions),
        rejected: row_outcomes.counts(InputTable::Transactions),
        baskets: until as u64,
        items: parts.catalogue.items().len() as u64,
        learned_items: parts.input.len() as u64,
        customers: parts.histories.customers().len() as u64,
        lines: Some(volume.lines),
        sold_items: Some(volume.items),
        days: Some(volume.days),
    }
}

/// The time as a version name; with a number appended if a version of the same second exists.
fn new_version(job: &TrainingJob<'_>) -> Result<Name, TrainError> {
    let time = job.now.format("%Y-%m-%dt%H-%M-%Sz").to_string();
    let mut versions = job.registry.versions(job.market)?;
    for aside in [job.registry.rejected(), job.registry.held_out()] {
        versions.extend(aside.versions(job.market)?);
    }
    let mut name = Name::new(&time)?;
    let mut number = 1;
    while versions.contains(&name) {
        number += 1;
        name = Name::new(&format!("{time}-{number}"))?;
    }
    Ok(name)
}

/// BLAKE3 over the parsed baskets and items, independent of the layout of the files.
fn fingerprint(transactions: &Transactions, until: usize, items: &Items) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for (number, basket) in transactions.baskets[..until].iter().enumerate() {
        add(&basket.day.to_string());
        add(if basket.customer == ANONYMOUS { "" } else { transactions.customers.get(basket.customer) });
        let mut ids: Vec<&str> =
            transactions.items_of(number).iter().map(|&item| transactions.items.get(item)).collect();
        ids.sort_unstable();
        ids.into_iter().for_each(&mut add);
    }
    let mut rows: Vec<_> = items.iter().collect();
    rows.sort_unstable_by_key(|(id, _)| *id);
    for (id, item) in rows {
        add(id);
        add(item.category.as_deref().unwrap_or(""));
        add(&item.name);
    }
    hasher.finalize().to_hex().to_string()
}
