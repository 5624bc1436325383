//! Training of the held-out model on the days before the test, and of its blends on the last weeks of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use trolley_model::figures::{BestPart, FeatureImportances, Flawless, Focus};

use rayon::prelude::*;
use trolley_model::recommend::{
    Limits, alternative_candidates, buy_again_candidates, candidates, new_for_you_candidates, pool,
};
use trolley_model::signals::CHEAP;
use trolley_model::{AlternativeRules, Blend, Blends, Ids, Item, Model, ModelError, Question};

use super::case::Case;
use super::elsewhere::Elsewhere;
use super::numbering::Numbering;
use super::period::Periods;
use super::tuned::Tuned;
use super::{Tables, alternatives, bought_together, customer_lists, offers, tuning};
use crate::blend::{Examples, Given, Learned, ON_OFFER_SIGNALS, default_weights, learn, learn_straight};
use crate::config::TrainingConfig;
use crate::count::Scope;
use crate::fit::fit;
use crate::input::{Items, OfferRow, Transactions};
use crate::learn::Fitted;
use crate::progress::Progress;

/// The held-out model, and diagnostics of its blends.
pub(crate) struct HeldOut {
    /// The model with its blends.
    pub(crate) model: Model,
    /// Feature importances by question.
    pub(crate) feature_importances: FeatureImportances,
    /// Comparison of the blends with their best parts, by question.
    pub(crate) best_parts: BTreeMap<String, BestPart>,
    /// The rules for alternatives that were tried.
    pub(crate) flaws: Vec<Flawless>,
    /// The item focuses that were tried, by question.
    pub(crate) focuses: BTreeMap<String, Vec<Focus>>,
    /// Mean loss of the item embeddings per epoch.
    pub(crate) losses: Vec<f64>,
}

/// Learns the blends on the weeks before the test, and trains a model on all days before it. The settings of the
/// baselines are chosen on the same weeks and stored in `tuned`.
///
/// # Errors
/// If a model cannot be built.
pub(crate) fn held_out(
    tables: Tables<'_>,
    config: &TrainingConfig,
    periods: &Periods,
    mut tuned: Option<&mut Tuned>,
    progress: &dyn Progress,
) -> Result<HeldOut, ModelError> {
    let Tables { transactions, items, offers, .. } = tables;
    let mut learning = Learning {
        config,
        blends: Blends { list: config.list, ..default_weights() },
        feature_importances: FeatureImportances::new(),
        best_parts: BTreeMap::new(),
        focuses: BTreeMap::new(),
        flaws: Vec::new(),
        progress,
    };
    if let Some(flawless) = config.alternatives.flawless {
        learning.blends.alternative_rules.flawless = flawless;
    }
    if config.evaluation.validation_days > 0 {
        learning.offers(tables, periods, tuned.as_deref_mut())?;
    }
    if periods.validation > 0 && periods.validation < periods.test {
        let model =
            Model::new(fit(transactions, periods.validation, items, offers, config, Scope::All, progress)?.parts)?;
        learning.items(model, transactions, periods, tuned)?;
    }
    let Learning { blends, feature_importances, best_parts, focuses, flaws, .. } = learning;
    let Fitted { parts, losses } = fit(transactions, periods.test, items, offers, config, Scope::All, progress)?;
    Ok(HeldOut {
        model: Model::new(parts)?.reblended(blends)?,
        feature_importances,
        best_parts,
        flaws,
        focuses,
        losses,
    })
}

/// A model with only what the ranking of offers needs.
pub(super) fn model_of_customers(
    transactions: &Transactions,
    until: usize,
    items: &Items,
    offers: &[OfferRow],
    config: &TrainingConfig,
    progress: &dyn Progress,
) -> Result<Model, ModelError> {
    Model::new(fit(transactions, until, items, offers, config, Scope::Customers, progress)?.parts)
}

/// The candidates of a case.
type Candidates<'a> = &'a (dyn Fn(&Case) -> Vec<Item> + Sync);

/// What has been learned so far.
struct Learning<'a> {
    config: &'a TrainingConfig,
    blends: Blends,
    feature_importances: FeatureImportances,
    best_parts: BTreeMap<String, BestPart>,
    focuses: BTreeMap<String, Vec<Focus>>,
    flaws: Vec<Flawless>,
    progress: &'a dyn Progress,
}

impl Learning<'_> {
    /// Learns the blends of offers on the weeks before the test, each answered by a model of the days before it.
    fn offers(
        &mut self,
        tables: Tables<'_>,
        periods: &Periods,
        mut tuned: Option<&mut Tuned>,
    ) -> Result<(), ModelError> {
        let Tables { transactions, items, offers, numbers } = tables;
        let (config, progress) = (self.config, self.progress);
        let (past, _) = periods.weeks(transactions, offers);
        let mut examples = [Examples::new(numbers), Examples::new(numbers)];
        for (back, week) in past.iter().rev().take(config.evaluation.offer_weeks).enumerate() {
            let model = model_of_customers(transactions, week.baskets.start, items, offers, config, progress)?;
            let offered = Arc::new(week.offered(&model, offers, config.seed));
            let cases = week.cases(&model, transactions, &offered);
            let known: Vec<Case> = cases.iter().filter(|case| case.customer.is_some()).cloned().collect();
            progress.begin("signals", 1);
            // The anonymous blend is only learned if the offers have numeric columns, such as their prominence.
            // Otherwise it is recent popularity, which is better than weights learned on other weeks.
            let anonymous = if numbers.is_empty() { Vec::new() } else { bought_together::anonymous(&cases) };
            let default = default_weights();
            let asked = [(&known, &default[Question::Offers]), (&anonymous, &default[Question::OffersAnonymous])];
            for (examples, (cases, default_weights)) in examples.iter_mut().zip(asked) {
                let of_week = |_: &Case| offered.items.clone();
                let customers = (&model, &transactions.customers);
                examples.add(customers, cases, default_weights, of_week, &config.blend, config.seed);
            }
            progress.end();
            if back == 0
                && let Some(tuned) = tuned.as_deref_mut()
            {
                progress.begin("baselines", 1);
                tuned.offers = tuning::of_offers(&model, transactions, week.baskets.start, &known);
                progress.end();
            }
        }
        let (given, default) = (Given::default(), default_weights());
        let mut learn = |examples: &mut Examples, question: Question| {
            let learned = learn(examples, &default[question], &given, offers::K, &config.blend, config.seed, progress);
            self.note(question, learned);
        };
        let [known, anonymous] = &mut examples;
        learn(known, Question::Offers);
        learn(anonymous, Question::OffersAnonymous);
        self.blends.offer_numbers = numbers.to_vec();
        Ok(())
    }

    /// Learns the blends of bought together and of alternatives, with and without a customer. `model` is trained on the
    /// days before the validation weeks.
    fn items(
        &mut self,
        model: Model,
        transactions: &Transactions,
        periods: &Periods,
        tuned: Option<&mut Tuned>,
    ) -> Result<(), ModelError> {
        let (seed, progress) = (self.config.seed, self.progress);
        progress.begin("cases", 1);
        let validation = periods.validation..periods.test;
        let mut together = bought_together::cases(&model, transactions, validation.clone(), seed);
        // Labels may use the customer's later baskets of the period; signals must not.
        let (elsewhere, numbering) =
            (Elsewhere::new(transactions, validation.clone()), Numbering::new(transactions, &model));
        together.par_iter_mut().for_each(|case| case.usual = elsewhere.usual(case, &model, &numbering));
        let known: Vec<Case> = together.iter().filter(|case| case.customer.is_some()).cloned().collect();
        let mut instead = alternatives::cases(&model, transactions, validation.clone());
        // One blend answers queries with and without a store.
        instead.iter_mut().step_by(2).for_each(|case| case.store = None);
        progress.end();
        if let Some(tuned) = tuned {
            progress.begin("baselines", 1);
            tuned.bought_together(&model, &together);
            progress.end();
        }
        let everything = Limits::best(bought_together::K);
        self.blends.pre_ranking = self.pre_ranking(&model, &transactions.customers, &known, &everything);
        // The blends are learned on the candidates that pass the pre-ranking and the rules.
        let model = &model.reblended(self.blends.clone())?;
        let of_basket = |case: &Case| candidates(model, &case.query(model), &everything);
        let of_kind = |case: &Case| {
            let sells = |item| case.store.is_none_or(|store| model.stores().sells(store, item));
            alternative_candidates(model, &case.query(model), &Limits { allowed: &sells, ..everything })
        };
        let due = Given {
            focus: self.config.blend.item_focus,
            rules: self.config.list,
            left_out: &ON_OFFER_SIGNALS,
            ..Given::default()
        };
        let mut learn =
            |question: Question, cases: &[Case], default_weights: &Blend, candidates: Candidates<'_>, given: &Given| {
                let mut examples = if question.is_alternatives() {
                    Examples::of_alternatives(model.attributes())
                } else {
                    Examples::new(&[])
                };
                progress.begin("signals", 1);
                examples.add(
                    (model, &transactions.customers),
                    cases,
                    default_weights,
                    candidates,
                    &self.config.blend,
                    seed,
                );
                progress.end();
                let learned =
                    learn(&mut examples, default_weights, given, everything.limit, &self.config.blend, seed, progress);
                self.note(question, learned);
            };
        // Items bought together do not replace each other, although customers who switch often buy both.
        let apart = Given {
            fixed: &[("lift", TOGETHER), ("replaced", REPLACED)],
            left_out: &TOGETHER_SIGNALS,
            ..Given::default()
        };
        let new = bought_together::new_to_the_customer(model, &known);
        let only_new = Limits { repeats: false, ..everything };
        let of_new = |case: &Case| candidates(model, &case.query(model), &only_new);
        let next = customer_lists::cases(model, transactions, validation);
        let next = customer_lists::first_of_each(next, customer_lists::LEARNED);
        let [again, never] = [true, false].map(|bought| customer_lists::only(model, &next, bought));
        let list = Limits::best(customer_lists::K);
        let of_own = |case: &Case| buy_again_candidates(model, &case.query(model), &list);
        let of_never = |case: &Case| new_for_you_candidates(model, &case.query(model), &list);
        let (anonymous, anonymous_instead) =
            (bought_together::anonymous(&together), bought_together::anonymous(&instead));
        let default = default_weights();
        let no_offers = Given { left_out: &ON_OFFER_SIGNALS, ..Given::default() };
        let of = |question: Question| &default[question];
        learn(Question::BoughtTogether, &known, of(Question::BoughtTogether), &of_basket, &due);
        learn(Question::BoughtTogetherNew, &new, of(Question::BoughtTogether), &of_new, &no_offers);
        learn(Question::BoughtTogetherAnonymous, &anonymous, of(Question::BoughtTogetherAnonymous), &of_basket, &due);
        learn(Question::BuyAgain, &again, of(Question::BuyAgain), &of_own, &no_offers);
        learn(Question::NewForYou, &never, of(Question::NewForYou), &of_never, &no_offers);
        learn(Question::Alternatives, &instead, of(Question::Alternatives), &of_kind, &apart);
        learn(
            Question::AlternativesAnonymous,
            &anonymous_instead,
            of(Question::AlternativesAnonymous),
            &of_kind,
            &apart,
        );
        if self.config.alternatives.flawless.is_none() && !anonymous_instead.is_empty() {
            progress.begin("alternatives", 1);
            self.choose_flawless(model, &anonymous_instead)?;
            progress.end();
        }
        Ok(())
    }

    /// Chooses the minimum number of flawless alternatives among six: the largest with which the hit rate is at most
    /// [`MOST_LOST`] lower.
    fn choose_flawless(&mut self, model: &Model, cases: &[Case]) -> Result<(), ModelError> {
        let mut model = Model::new(model.parts().clone())?;
        for flawless in 0..=alternatives::K {
            let alternative_rules = AlternativeRules { flawless };
            model = model.reblended(Blends { alternative_rules, ..self.blends.clone() })?;
            self.flaws.push(Flawless { flawless, hit_rate: alternatives::hit_rate(&model, cases) });
        }
        let least = (1.0 - MOST_LOST) * self.flaws[0].hit_rate;
        let kept = self.flaws.iter().filter(|tried| tried.hit_rate >= least).map(|tried| tried.flawless).max();
        self.blends.alternative_rules = AlternativeRules { flawless: kept.unwrap_or(alternatives::K) };
        Ok(())
    }

    /// Learns the linear weights that select candidates for a customer from the pool.
    fn pre_ranking(&self, model: &Model, customers: &Ids, known: &[Case], limits: &Limits<'_>) -> Blend {
        let (config, default_weights) = (&self.config.blend, default_weights().pre_ranking);
        let mut examples = Examples::new(&[]);
        self.progress.begin("pre-ranking", 1);
        let of_pool = |case: &Case| pool(model, &case.query(model), limits);
        examples.add((model, customers), known, &default_weights, of_pool, config, self.config.seed);
        let learned = learn_straight(&mut examples, &CHEAP, &default_weights, PRE_FOCUS, PASSED);
        self.progress.end();
        learned
    }

    /// Stores a blend and its diagnostics.
    fn note(&mut self, question: Question, learned: Learned) {
        let name = question.name();
        self.feature_importances.insert(name.to_owned(), learned.feature_importances);
        if !learned.focuses.is_empty() {
            self.focuses.insert(name.to_owned(), learned.focuses);
        }
        self.best_parts.extend(learned.best_part.map(|best| (name.to_owned(), best)));
        self.blends[question] = learned.blend;
    }
}

/// Maximum relative loss in the hit rate of alternatives in exchange for fewer flaws.
const MOST_LOST: f64 = 0.03;

/// Item focus of the pre-ranking, such that it passes the candidates that any item focus needs.
const PRE_FOCUS: f64 = 0.2;

/// Number of first candidates among which the pre-ranking should place the relevant ones.
const PASSED: usize = 30;

/// Fixed weight of customers' answers to replacements, which past transactions cannot teach.
const REPLACED: f32 = 1.0;

/// Fixed weight of the log of the co-purchase lift in alternatives.
const TOGETHER: f32 = -0.5;

/// Signals that the blends of alternatives do not use: those of complements and offers, and `same_category`, as
/// `same_kind` also knows the mixed categories.
const TOGETHER_SIGNALS: [&str; 13] = [
    "same_category",
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
    ON_OFFER_SIGNALS[0],
    ON_OFFER_SIGNALS[1],
];
