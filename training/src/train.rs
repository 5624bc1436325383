//! The whole way: tables in, a published model out.

use std::path::PathBuf;
use std::time::Instant;
use trolley_model::figures::Evaluation;

use chrono::{DateTime, Utc};
use trolley_model::artefact::{ArtefactError, DataFacts, Draft, Judgement, Manifest, ModelRegistry};
use trolley_model::{BadName, Model, ModelError, Name, Parts};

use crate::config::TrainingConfig;
use crate::costs::{Costs, peak_memory};
use crate::count::Scope;
use crate::evaluation::{self, Judged, NotJudged, date, evaluate, evaluate_next_basket};
use crate::fit::fit;
use crate::gate::{self, Accept, Comparison, GateConfig, Ruling, Volume, compare, next_reference, rule};
use crate::input::{self, ANONYMOUS, Fates, InputConfig, InputError, InputTable, Items, Look, OfferRow, Transactions};
use crate::learn::Fitted;
use crate::neighbours::neighbours;
use crate::progress::{Progress, Timed};
use crate::setting::SettingError;

/// What is to be trained, and where the model goes.
pub struct TrainingJob<'a> {
    /// The market.
    pub market: &'a Name,
    /// Its tables.
    pub input: &'a InputConfig,
    /// How to train.
    pub config: &'a TrainingConfig,
    /// Where to publish.
    pub registry: &'a ModelRegistry,
    /// Where to write the rows that are rejected.
    pub rejects: PathBuf,
    /// The time of the training: it names the version.
    pub now: DateTime<Utc>,
    /// Transactions later than this are rejected.
    pub latest: DateTime<Utc>,
    /// Who is to be left out, by the customers' IDs: what they bought counts as bought by nobody.
    pub erased: &'a (dyn Fn(&str) -> bool + Sync),
    /// Threads to train on; 0 for all processors.
    pub threads: usize,
    /// What of the gate need not hold.
    pub accept: Accept,
    /// Whether to publish a model that does not pass the gate.
    pub force: bool,
}

impl TrainingJob<'_> {
    /// Reads the tables, without the customers who have been erased.
    pub(crate) fn tables(&self, progress: &dyn Progress) -> Result<Tables, TrainError> {
        let fates = Fates::listed_in(&self.rejects)?;
        let mut tables = read(self.market, self.input, fates, self.latest, progress)?;
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

/// The tables of a market as they were read.
#[derive(Debug)]
pub struct Tables {
    /// The baskets.
    pub transactions: Transactions,
    /// The items table, empty if there is none.
    pub items: Items,
    /// The history of offers, empty if there is none.
    pub offers: Vec<OfferRow>,
    /// The names of the offers' numbers.
    pub numbers: Vec<String>,
    /// What became of each row.
    pub fates: Fates,
    /// What they look like, and what was found.
    pub look: Look,
}

impl Tables {
    /// What an evaluation looks at.
    pub fn view(&self) -> evaluation::Tables<'_> {
        evaluation::Tables {
            transactions: &self.transactions,
            items: &self.items,
            offers: &self.offers,
            numbers: &self.numbers,
        }
    }

    /// Refuses tables of which too large a share was rejected, or in which something was found that the config does not
    /// accept.
    ///
    /// # Errors
    /// [`InputError::TooManyRejects`], [`InputError::Findings`]
    pub fn judge(&self, limit: f64) -> Result<(), InputError> {
        for table in [InputTable::Items, InputTable::Transactions, InputTable::Offers] {
            self.fates.judge(table, limit)?;
        }
        let errors: Vec<String> = self.look.errors().map(ToString::to_string).collect();
        if errors.is_empty() { Ok(()) } else { Err(InputError::Findings(errors)) }
    }
}

/// Reads a market's tables and looks at them. Transactions later than `latest` are rejected; `fates` counts what became of
/// each row.
///
/// # Errors
/// As [`input::read_transactions`]. Whether the tables are good enough is for [`Tables::judge`] to say.
pub fn read(
    market: &Name,
    input: &InputConfig,
    mut fates: Fates,
    latest: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<Tables, InputError> {
    progress.begin("reading", 3);
    let items = input::read_items(input, &mut fates)?;
    progress.advance(1);
    let transactions = input::read_transactions(input, market.as_str(), latest.timestamp(), &items, &mut fates)?;
    progress.advance(1);
    let offers = input::read_offers(input, market.as_str(), &mut fates)?;
    progress.advance(1);
    progress.end();
    let look = input::look(input, &transactions, &items, &offers, &fates);
    let numbers = input.columns.offers.numbers.clone();
    Ok(Tables { transactions, items, offers: offers.rows, numbers, fates, look })
}

/// What came of a training.
#[derive(Debug)]
pub struct Outcome {
    /// What the manifest says; `None` if the model was made to be judged only.
    pub manifest: Option<Manifest>,
    /// Whether it was published: it passed the gate, or was forced. A pinned market keeps serving the model that it is pinned to.
    /// A model with a manifest that was not published is among the rejected ones.
    pub published: bool,
    /// The model: trained on everything, or on the days before the test if it was made to be judged only.
    pub model: Model,
    /// The figures, or why there are none.
    pub evaluation: Result<Evaluation, NotJudged>,
    /// Beside the models before it; `None` if there is none.
    pub comparison: Option<Comparison>,
    /// What the gate says.
    pub ruling: Ruling,
    /// What it took.
    pub costs: Costs,
    /// Mean loss of the item embeddings, pass by pass.
    pub losses: Vec<f64>,
    /// The tables that it was learned from.
    pub tables: Tables,
}

/// A judged model with what it takes to go on.
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

/// The costs so far, and what the gate says.
fn verdict(
    job: &TrainingJob<'_>,
    started: Instant,
    evaluation: Result<&Evaluation, &NotJudged>,
    comparison: Option<&Comparison>,
    tables: &Tables,
    progress: &Timed<'_>,
) -> (Costs, Ruling) {
    let costs =
        Costs { seconds: started.elapsed().as_secs_f64(), peak_memory: peak_memory(), stages: progress.stages() };
    let volume = Volume::of(&tables.transactions, tables.transactions.baskets.len());
    let examined = gate::Examined { evaluation, comparison, volume: &volume, costs: &costs };
    let ruling = rule(job.input.gate.as_ref(), &examined, job.accept);
    (costs, ruling)
}

/// Learns and judges, by the protocol of the literature on next baskets too, and publishes nothing.
///
/// # Errors
/// [`TrainError`], also if nothing can be held back to judge on.
pub fn examine(job: &TrainingJob<'_>, progress: &dyn Progress) -> Result<Outcome, TrainError> {
    let progress = &Timed::new(progress);
    let Beginning { started, tables, pool, judged, comparison } = begin(job, progress)?;
    let Judged { mut evaluation, model, losses, .. } = judged.map_err(TrainError::NotJudged)?;
    let next_basket = pool.install(|| evaluate_next_basket(tables.view(), job.config, progress));
    let (benchmarks, tuned) = next_basket?;
    evaluation.benchmarks.extend(benchmarks);
    evaluation.tuned.extend(tuned);
    let (costs, ruling) = verdict(job, started, Ok(&evaluation), comparison.as_ref(), &tables, progress);
    let evaluation = Ok(evaluation);
    Ok(Outcome { manifest: None, published: false, model, evaluation, comparison, ruling, costs, losses, tables })
}

/// Reads, learns, judges, and publishes what passes the gate.
///
/// # Errors
/// [`TrainError`]; then the model in service stays what it was, as it does for a model that does not pass.
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
    let (costs, ruling) = verdict(job, started, evaluation, comparison.as_ref(), &tables, progress);
    let published = ruling.failures.is_empty() || job.force;

    progress.begin("publishing", 1);
    let judgement = Judgement {
        verdict: ruling.verdict,
        reasons: ruling.reasons.clone(),
        accepted: ruling.accepted_kinds(),
        reference: next_reference(comparison.as_ref(), job.now),
    };
    let draft = Draft {
        market: job.market.clone(),
        version: new_version(job)?,
        created_at: job.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        data: facts(&tables, transactions.baskets.len(), model.parts()),
        config: serde_json::to_value(job.config)?,
        evaluation: evaluation.map(Evaluation::figures).unwrap_or_default(),
        failed_gates: ruling.failures.iter().map(|failure| failure.gate.clone()).collect(),
        judgement: Some(judgement),
        parts: model.parts(),
    };
    let registry = if published { job.registry.clone() } else { job.registry.rejected() };
    // First, so that no model is in service without it.
    if let Ok(Judged { model, test, .. }) = &judged {
        let (data, parts) = (facts(&tables, *test, model.parts()), model.parts());
        registry.held_out().publish(&Draft { data, parts, ..draft.clone() })?;
    }
    let manifest = Some(registry.publish(&draft)?);
    progress.end();
    let evaluation = judged.map(|judged| judged.evaluation);
    Ok(Outcome { manifest, published, model, evaluation, comparison, ruling, costs, losses, tables })
}

/// What a model of the first `until` baskets was made from.
fn facts(tables: &Tables, until: usize, parts: &Parts) -> DataFacts {
    let Tables { transactions, items, fates, .. } = tables;
    let baskets = &transactions.baskets[..until];
    let volume = Volume::of(transactions, until);
    DataFacts {
        fingerprint: fingerprint(transactions, until, items),
        first_day: baskets.first().map_or_else(String::new, |basket| date(basket.day)),
        last_day: baskets.last().map_or_else(String::new, |basket| date(basket.day)),
        rows: fates.rows(InputTable::Transactions),
        rejected: fates.counts(InputTable::Transactions),
        baskets: until as u64,
        items: parts.catalogue.items().len() as u64,
        learned_items: parts.input.len() as u64,
        customers: parts.histories.customers().len() as u64,
        lines: Some(volume.lines),
        sold_items: Some(volume.items),
        days: Some(volume.days),
    }
}

/// The time, in the letters of a name; with a number behind it if a model was made in that second already.
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

/// BLAKE3 over the baskets and items as they were understood; the layout of the files does not change it.
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
