//! Evaluation of the model's answers on weeks that it has not seen, compared with baselines.
//!
//! Every item is a candidate. The model answers through the functions that the service calls, and the baselines
//! ([`baselines`], [`neighbours`]) through the same code path. Confidence intervals are by bootstrap over customers.

mod alternatives;
mod audience;
mod baselines;
mod benchmark;
mod bootstrap;
mod bought_together;
pub(crate) mod case;
mod coverage;
mod customer_lists;
mod elsewhere;
mod learning;
mod likeness;
mod live;
mod metrics;
mod neighbours;
mod next_basket;
mod numbering;
mod offered;
mod offers;
mod paired;
mod period;
mod shown;
#[cfg(test)]
#[path = "../../studies/skipgram.rs"]
mod study;
mod tuned;
mod tuning;
mod weeks;

use trolley_model::figures::{Benchmark, Evaluation};

use trolley_model::{Model, ModelError, Question};

use crate::blend::{Examples, Given, default_weights, learn};
use crate::config::TrainingConfig;
use crate::input::{Items, OfferRow, Transactions};
use crate::progress::Progress;
pub(crate) use case::Case;
use learning::model_of_customers;
pub(crate) use learning::{HeldOut, held_out};
pub(crate) use metrics::METRICS;
pub(crate) use paired::{DUE_TO_ITEM, QUESTIONS, compared, leads};
pub use paired::{Leads, Paired, compared_by};
#[cfg(test)]
pub(crate) use paired::{Questions, Sheets, paired};
pub use period::{NotJudged, judgeable};
pub(crate) use period::{Periods, enough};
#[cfg(test)]
pub(crate) use study::complete_journey;
use tuned::{Habits, Named, Tuned};

/// The tables that an evaluation reads.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// The baskets.
    pub transactions: &'a Transactions,
    /// The items table, possibly empty.
    pub items: &'a Items,
    /// The history of offers, possibly empty.
    pub offers: &'a [OfferRow],
    /// Names of the offers' numeric columns.
    pub numbers: &'a [String],
}

/// The outcome of an evaluation: the metrics, and the evaluated model.
#[derive(Debug)]
pub struct Judged {
    /// The metrics.
    pub evaluation: Evaluation,
    /// The held-out model, trained on the days before the test. Its blends are learned on the last weeks before the
    /// test.
    pub model: Model,
    /// Position of the first test basket.
    pub test: usize,
    /// Mean loss of the item embeddings per epoch.
    pub losses: Vec<f64>,
}

/// Learns the blends on the validation weeks, and evaluates a model with them on the test weeks.
///
/// # Errors
/// If a model cannot be built. The inner error is the reason why no evaluation is possible.
pub fn evaluate(
    tables: Tables<'_>,
    config: &TrainingConfig,
    progress: &dyn Progress,
) -> Result<Result<Judged, NotJudged>, ModelError> {
    let transactions = tables.transactions;
    let periods = match Periods::judged(transactions, &config.evaluation) {
        Ok(periods) => periods,
        Err(why) => return Ok(Err(why)),
    };
    let mut tuned = Tuned::default();
    let held_out = held_out(tables, config, &periods, Some(&mut tuned), progress)?;
    let HeldOut { model, feature_importances, best_parts, flaws, focuses, losses } = held_out;
    let weekly = judged_weeks(tables, config, &periods, &model, &tuned, progress)?;

    progress.begin("evaluation", 4);
    let seed = config.seed;
    let test = periods.test..transactions.baskets.len();
    let together = bought_together::cases(&model, transactions, test.clone(), seed);
    let mut benchmarks = bought_together::benchmarks(&model, &together, transactions, periods.test, &tuned, seed);
    progress.advance(1);
    let next = customer_lists::first_of_each(customer_lists::cases(&model, transactions, test.clone()), 1);
    benchmarks.extend(customer_lists::benchmarks(&model, &next, tuned.together.half_life, seed));
    let cases = alternatives::cases(&model, transactions, test);
    benchmarks.extend(weekly.benchmarks(
        match tables.offers {
            [] => "What each customer buys of 1,000 random items in a week, for want of a history of offers",
            _ => "What each customer buys of the week's offers",
        },
        seed,
    ));
    benchmarks.extend(alternatives::benchmarks(&model, &cases, seed));
    progress.advance(1);
    let in_store: Vec<Case> = cases.iter().filter(|case| case.store.is_some()).cloned().collect();
    let anywhere: Vec<Case> = cases.iter().map(|case| Case { store: None, ..case.clone() }).collect();
    let must_match = &tables.items.must_match;
    let likeness = likeness::likeness(&model, &anywhere, must_match);
    let likeness_in_store = (!in_store.is_empty()).then(|| likeness::likeness(&model, &in_store, must_match));
    let substitution = alternatives::substitution(&model, &cases, transactions, periods.test, seed);
    progress.advance(1);
    let coverage = coverage::coverage(&model, transactions, periods.test, seed);
    progress.end();
    let evaluation = Evaluation {
        test_from: date(periods.test_from),
        test_to: date(periods.end - 1),
        benchmarks,
        audience: weekly.audience(seed),
        substitution,
        likeness,
        likeness_in_store,
        coverage,
        feature_importances,
        best_parts,
        focuses,
        flaws,
        tuned: tuned.named(),
    };
    Ok(Ok(Judged { evaluation, model, test: periods.test, losses }))
}

/// A day since 1970-01-01 as `YYYY-MM-DD`.
pub(crate) fn date(day: u16) -> String {
    (chrono::NaiveDate::default() + chrono::Days::new(u64::from(day))).to_string()
}

/// Evaluates the offers of the test week by week. Each week is answered by a model of the days before it, with the
/// blends of `judged`.
fn judged_weeks(
    tables: Tables<'_>,
    config: &TrainingConfig,
    periods: &Periods,
    judged: &Model,
    tuned: &Tuned,
    progress: &dyn Progress,
) -> Result<offers::Weekly, ModelError> {
    let Tables { transactions, items, offers, numbers } = tables;
    let mut weekly = offers::Weekly::default();
    let (_, test) = periods.weeks(transactions, offers);
    for week in &test {
        let model = model_of_customers(transactions, week.baskets.start, items, offers, config, progress)?;
        let model = model.reblended(judged.blends().clone())?;
        progress.begin("evaluation of offers", 1);
        weekly.judge(&model, week, transactions, (offers, numbers), tuned, config.seed);
        progress.end();
    }
    Ok(weekly)
}

/// Replays the test weeks with live baskets; see `live.rs`.
pub(crate) fn evaluate_live(judged: &Judged, transactions: &Transactions, seed: u64) -> Vec<Benchmark> {
    live::benchmarks(&judged.model, transactions, judged.test, seed)
}

/// Evaluates next-basket prediction by the protocol of the literature; see `next_basket.rs`. Returns the benchmarks,
/// and the baselines' settings, which are tuned on the last basket but one of each customer. There are no benchmarks if
/// no customer has three baskets.
///
/// # Errors
/// If a model cannot be built.
pub fn evaluate_next_basket(
    tables: Tables<'_>,
    config: &TrainingConfig,
    progress: &dyn Progress,
) -> Result<(Vec<Benchmark>, Named), ModelError> {
    let Tables { transactions, items, .. } = tables;
    let next_basket::LastBaskets(baskets) = next_basket::LastBaskets::new(transactions);
    // The transactions without `last` baskets at the end of each evaluated customer's history.
    let without = |last: usize| {
        let mut left_out: Vec<usize> = baskets[..last].concat();
        left_out.sort_unstable();
        let kept: Vec<usize> =
            (0..transactions.baskets.len()).filter(|basket| left_out.binary_search(basket).is_err()).collect();
        (transactions.only(&kept), kept)
    };
    let model_of = |past: &Transactions| model_of_customers(past, past.baskets.len(), items, &[], config, progress);
    let (past, kept) = without(1);
    if baskets[0].is_empty() || kept.is_empty() {
        return Ok((Vec::new(), Named::new()));
    }
    let mut blends = default_weights();
    let mut examples = Examples::new(&[]);
    let mut tuned = Habits::default();
    for (back, own) in baskets.iter().enumerate().skip(1) {
        let (earlier, kept) = without(back + 1);
        if !earlier.baskets.is_empty() {
            let model = model_of(&earlier)?;
            let cases = next_basket::cases(&model, transactions, own);
            if back == 1 {
                progress.begin("baselines", 1);
                tuned = Habits::chosen(&model, transactions, kept.into_iter(), &cases, next_basket::K);
                progress.end();
            }
            let candidates = |case: &Case| next_basket::candidates(&model, case);
            progress.begin("signals", 1);
            examples.add(
                (&model, &transactions.customers),
                &cases,
                &blends[Question::Offers],
                candidates,
                &config.blend,
                config.seed,
            );
            progress.end();
        }
    }
    let given = Given::default();
    let learned =
        learn(&mut examples, &blends[Question::Offers], &given, next_basket::K, &config.blend, config.seed, progress);
    blends[Question::Offers] = learned.blend;
    let model = model_of(&past)?.reblended(blends)?;
    progress.begin("evaluation of next baskets", 1);
    let cases = next_basket::cases(&model, transactions, &baskets[0]);
    let benchmarks = next_basket::benchmarks(&model, &cases, transactions, kept.into_iter(), &tuned, config.seed);
    progress.end();
    Ok((benchmarks, tuned.named("next_basket")))
}
