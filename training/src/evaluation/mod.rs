//! How good the answers are, measured on weeks that the model has not seen, beside what a shop would do without it.
//!
//! Every item is a candidate; the model answers through the functions that the service calls, and the baselines
//! ([`baselines`], [`neighbours`]) through the same code path. Intervals are by bootstrap over customers.

mod alternatives;
mod baselines;
mod bootstrap;
mod bought_together;
mod case;
mod comparison;
mod contest;
mod coverage;
mod metrics;
mod neighbours;
mod next_basket;
mod numbering;
mod offers;
mod period;
#[cfg(test)]
mod study;
mod weeks;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trolley_model::recommend::{Limits, alternative_candidates, candidates};
use trolley_model::{Blend, Blends, Model};

use crate::blend::{Examples, Given, by_hand, learn};
use crate::config::TrainingConfig;
use crate::fit::{Fitted, Scope, fit};
use crate::input::{Items, OfferRow, Transactions};
use crate::progress::Progress;
pub use alternatives::Substitution;
pub use bootstrap::Estimate;
pub(crate) use case::Case;
pub use comparison::Comparison;
pub(crate) use comparison::{compared, leads};
pub use contest::{Contest, Group, MODEL, Standing};
pub use coverage::Coverage;
pub use period::EvaluationConfig;
pub(crate) use period::Periods;
#[cfg(test)]
pub(crate) use study::complete_journey;
use weeks::weeks;

/// What a signal does in a blend, as seen on the customers held out of the validation weeks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// How much lower nDCG is without it, as a share; the rest of the blend is left as it is.
    pub worth: f64,
    /// Its values, rising, each with its mean part in the scores.
    pub curve: Vec<[f32; 2]>,
}

/// By question, by signal.
pub type Roles = BTreeMap<String, BTreeMap<String, Role>>;

/// What an evaluation found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// First day of the test, `YYYY-MM-DD`.
    pub test_from: String,
    /// Last day of the test.
    pub test_to: String,
    /// The contests, the most important first.
    pub contests: Vec<Contest>,
    /// How well an offer's score tells its buyers from other customers, as the mean area under the ROC curve: the
    /// model's, and that of the customers' own decayed purchases of the item.
    pub audience: Option<[Estimate; 2]>,
    /// Whether alternatives are alternatives.
    pub substitution: Substitution,
    /// Who and what is answered by the model itself.
    pub coverage: Coverage,
    /// What each signal does.
    pub roles: Roles,
}

impl Evaluation {
    /// A contest by name.
    pub fn contest(&self, name: &str) -> Option<&Contest> {
        self.contests.iter().find(|contest| contest.name == name)
    }

    /// Every figure of the model by name: `bought_together.ndcg`, `coverage.items` and so on.
    pub fn figures(&self) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        for contest in &self.contests {
            for (metric, estimate) in contest.standing(MODEL).iter().flat_map(|standing| &standing.figures) {
                figures.insert(format!("{}.{metric}", contest.name), estimate.value);
            }
        }
        figures.extend(self.audience.map(|[ours, _]| ("audience.auc".to_owned(), ours.value)));
        let Coverage { customers, items, items_with_alternatives, catalogue } = self.coverage;
        let Substitution { category_agreement, lift, lift_of_random, .. } = self.substitution;
        figures.extend(
            [
                ("coverage.customers", customers),
                ("coverage.items", items),
                ("coverage.items_with_alternatives", items_with_alternatives),
                ("coverage.catalogue", catalogue),
                ("alternatives.category_agreement", category_agreement),
                ("alternatives.lift", lift),
                ("alternatives.lift_of_random", lift_of_random),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        figures
    }
}

/// The tables that an evaluation looks at.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// The baskets.
    pub transactions: &'a Transactions,
    /// The items table, possibly empty.
    pub items: &'a Items,
    /// The history of offers, possibly empty.
    pub offers: &'a [OfferRow],
    /// The names of the offers' numbers.
    pub numbers: &'a [String],
}

/// What came out: the figures, the blends that were learned, and the model that was judged.
#[derive(Debug)]
pub struct Judged {
    /// The figures.
    pub evaluation: Evaluation,
    /// What was learned of each signal.
    pub blends: Blends,
    /// The model of the days before the test, with these blends.
    pub model: Model,
    /// Position of the first basket of the test.
    pub test: usize,
    /// Mean loss of the item embeddings, pass by pass.
    pub losses: Vec<f64>,
}

/// Learns a blend on the validation weeks and judges a model with it on the test weeks. `None` if the period is too
/// short to hold anything back.
///
/// # Errors
/// In words, if a model cannot be made.
pub fn evaluate(
    tables: Tables<'_>,
    config: &TrainingConfig,
    progress: &dyn Progress,
) -> Result<Option<Judged>, String> {
    let Tables { transactions, items, .. } = tables;
    let periods = Periods::new(transactions, &config.evaluation);
    if periods.test == 0 || periods.test == transactions.baskets.len() {
        return Ok(None);
    }
    let mut roles = Roles::new();
    let (mut blends, weekly) = offers_of_the_weeks(tables, config, &periods, &mut roles, progress)?;
    if periods.validation > 0 && periods.validation < periods.test {
        let model = Model::new(fit(transactions, periods.validation, items, config, Scope::All, progress)?.parts)?;
        learn_items(&model, transactions, &periods, config, (&mut blends, &mut roles), progress);
    }
    let Fitted { parts, losses } = fit(transactions, periods.test, items, config, Scope::All, progress)?;
    let model = Model::new(parts)?.reblended(blends.clone())?;

    progress.begin("evaluation", 4);
    let seed = config.seed;
    let test = periods.test..transactions.baskets.len();
    let mut contests =
        bought_together::contests(&model, &bought_together::cases(&model, transactions, test.clone(), seed), seed);
    progress.advance(1);
    let cases = alternatives::cases(&model, transactions, test);
    contests.extend(weekly.contest(
        match tables.offers {
            [] => "What each customer buys of 1,000 random items in a week, for want of a history of offers",
            _ => "What each customer buys of the week's offers",
        },
        seed,
    ));
    contests.extend(alternatives::contests(&model, &cases, seed));
    progress.advance(1);
    let substitution = alternatives::substitution(&model, &cases, transactions, periods.test, seed);
    progress.advance(1);
    let coverage = coverage::coverage(&model, transactions, periods.test, seed);
    progress.end();
    let day = |day: u16| (chrono::NaiveDate::default() + chrono::Days::new(u64::from(day))).to_string();
    let evaluation = Evaluation {
        test_from: day(periods.test_from),
        test_to: day(periods.end - 1),
        contests,
        audience: weekly.audience(seed),
        substitution,
        coverage,
        roles,
    };
    Ok(Some(Judged { evaluation, blends, model, test: periods.test, losses }))
}

/// Learns the blend of offers on weeks before the test, then judges it on the weeks that reach into the test. Each week
/// is answered by a model of the days before it.
fn offers_of_the_weeks(
    tables: Tables<'_>,
    config: &TrainingConfig,
    periods: &Periods,
    roles: &mut Roles,
    progress: &dyn Progress,
) -> Result<(Blends, offers::Weekly), String> {
    let Tables { transactions, items, offers, numbers } = tables;
    let first_day = transactions.baskets.first().map_or(0, |basket| basket.day);
    let all = weeks(transactions, offers, first_day..periods.end);
    let (past, test): (Vec<_>, Vec<_>) = all.into_iter().partition(|week| week.baskets.end <= periods.test);
    let mut blends = by_hand();
    let mut examples = Examples::new(numbers);
    if config.evaluation.validation_days > 0 {
        for week in past.iter().rev().take(config.evaluation.offer_weeks) {
            let model = model_of_customers(transactions, week.baskets.start, items, config, progress)?;
            let offered = Arc::new(week.offered(&model, offers, config.seed));
            let cases = week.cases(&model, transactions, &offered);
            let known: Vec<Case> = cases.into_iter().filter(|case| case.customer.is_some()).collect();
            progress.begin("signals", 1);
            examples.add(&model, &known, &blends.offers, |_| offered.items.clone(), &config.blend, config.seed);
            progress.end();
        }
        let given = Given::default();
        let learned = learn(&examples, &blends.offers, &given, offers::K, &config.blend, config.seed, progress);
        roles.insert("offers".to_owned(), learned.roles);
        (blends.offers, blends.offer_numbers) = (learned.blend, numbers.to_vec());
    }
    let mut weekly = offers::Weekly::default();
    for week in &test {
        let model = model_of_customers(transactions, week.baskets.start, items, config, progress)?;
        let model = model.reblended(blends.clone())?;
        progress.begin("evaluation of offers", 1);
        weekly.judge(&model, week, transactions, offers, numbers, config.seed);
        progress.end();
    }
    Ok((blends, weekly))
}

fn model_of_customers(
    transactions: &Transactions,
    until: usize,
    items: &Items,
    config: &TrainingConfig,
    progress: &dyn Progress,
) -> Result<Model, String> {
    Model::new(fit(transactions, until, items, config, Scope::Customers, progress)?.parts)
}

/// What a case's answer is chosen from.
type Candidates<'a> = &'a (dyn Fn(&Case) -> Vec<u32> + Sync);

/// Learns the blends of bought together and of alternatives, with and without a customer.
fn learn_items(
    model: &Model,
    transactions: &Transactions,
    periods: &Periods,
    config: &TrainingConfig,
    (blends, roles): (&mut Blends, &mut Roles),
    progress: &dyn Progress,
) {
    progress.begin("cases", 1);
    let validation = periods.validation..periods.test;
    let together = bought_together::cases(model, transactions, validation.clone(), config.seed);
    let known: Vec<Case> = together.iter().filter(|case| case.customer.is_some()).cloned().collect();
    let instead = alternatives::cases(model, transactions, validation);
    progress.end();
    let everything = Limits::best(6);
    let of_basket = |case: &Case| candidates(model, &case.ask(), &everything);
    let of_kind = |case: &Case| {
        let item = case.items.first();
        item.map_or_else(Vec::new, |&item| alternative_candidates(model, item, case.customer, &everything))
    };
    let mut learn = |name: &str, cases: &[Case], blend: &mut Blend, candidates: Candidates<'_>, given: &Given| {
        let mut examples = Examples::new(&[]);
        progress.begin("signals", 1);
        examples.add(model, cases, blend, candidates, &config.blend, config.seed);
        progress.end();
        let learned = learn(&examples, blend, given, everything.limit, &config.blend, config.seed, progress);
        *blend = learned.blend;
        roles.insert(name.to_owned(), learned.roles);
    };
    let free = Given::default();
    learn("bought_together", &known, &mut blends.bought_together, &of_basket, &free);
    let nobody = bought_together::anonymous(&together);
    learn("bought_together_anonymous", &nobody, &mut blends.bought_together_anonymous, &of_basket, &free);
    // What is bought together with an item does not stand in for it, though customers who switch often buy both.
    let apart = Given { fixed: &[("lift", TOGETHER)], left_out: &TOGETHER_SIGNALS };
    learn("alternatives", &instead, &mut blends.alternatives, &of_kind, &apart);
    let nobody = bought_together::anonymous(&instead);
    learn("alternatives_anonymous", &nobody, &mut blends.alternatives_anonymous, &of_kind, &apart);
}

/// What the log of the co-purchase lift counts in alternatives.
const TOGETHER: f32 = -0.5;

/// Signals of being bought together: of no use for alternatives.
const TOGETHER_SIGNALS: [&str; 10] = [
    "co_purchase",
    "co_purchase_count",
    "cosine",
    "complement",
    "category_partner",
    "kind_backed_co_purchase",
    "kind_backed_firmly",
    "kind_lift",
    "own_co_purchase",
    "own_category_co_purchase",
];

/// The protocol of the literature on next baskets; see [`next_basket`]. `None` if no customer has three baskets.
///
/// # Errors
/// In words, if a model cannot be made.
pub fn evaluate_next_basket(
    tables: Tables<'_>,
    config: &TrainingConfig,
    progress: &dyn Progress,
) -> Result<Vec<Contest>, String> {
    let Tables { transactions, items, .. } = tables;
    let next_basket::LastBaskets(baskets) = next_basket::LastBaskets::new(transactions);
    // What is left without so many of each customer's last baskets.
    let without = |last: usize| {
        let mut left_out: Vec<usize> = baskets[..last].concat();
        left_out.sort_unstable();
        let kept: Vec<usize> =
            (0..transactions.baskets.len()).filter(|basket| left_out.binary_search(basket).is_err()).collect();
        (transactions.only(&kept), kept)
    };
    let model_of = |past: &Transactions| model_of_customers(past, past.baskets.len(), items, config, progress);
    let (past, kept) = without(1);
    if baskets[0].is_empty() || kept.is_empty() {
        return Ok(Vec::new());
    }
    let mut blends = by_hand();
    let mut examples = Examples::new(&[]);
    for (back, own) in baskets.iter().enumerate().skip(1) {
        let earlier = without(back + 1).0;
        if !earlier.baskets.is_empty() {
            let model = model_of(&earlier)?;
            let cases = next_basket::cases(&model, transactions, own);
            let candidates = |case: &Case| next_basket::candidates(&model, case);
            progress.begin("signals", 1);
            examples.add(&model, &cases, &blends.offers, candidates, &config.blend, config.seed);
            progress.end();
        }
    }
    let given = Given::default();
    let learned = learn(&examples, &blends.offers, &given, next_basket::K, &config.blend, config.seed, progress);
    blends.offers = learned.blend;
    let model = model_of(&past)?.reblended(blends)?;
    progress.begin("evaluation of next baskets", 1);
    let cases = next_basket::cases(&model, transactions, &baskets[0]);
    let contests = next_basket::contests(&model, &cases, transactions, kept.into_iter(), config.seed);
    progress.end();
    Ok(contests)
}
