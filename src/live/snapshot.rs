mod offers;

use std::sync::Arc;

use chrono::{Days, NaiveDate, Utc};
use trolley_model::artefact::{Manifest, Opened};
use trolley_model::recommend::{self, FEWEST, Limits, Part, Recommended, Tier};
use trolley_model::{Item, Model, NumberSet, Query, Question, SensitiveCategories};

use super::active_offers::{ActiveOffersCache, Availability, OfferIndex};
use super::baskets::day;
use super::dismissals::Dismissals;
use super::filter::Filter;
use super::offers::Offer;
use super::overlay::{Overlay, Shopper};
use super::pushed::PushedState;
use super::query::{Answer, DueAnswer, ItemQuery};
use super::reasons::{ReasonText, Why};
use super::rules::Rulebook;
use super::store_stock::{KnownStock, StoreStock, StoreView};
use super::substitution::{Forbidden, ReplacementRules};

/// Everything that an answer is made from: a model with its manifest, the offers, the rules and the stock.
#[derive(Clone, Debug)]
pub struct Snapshot {
    manifest: Arc<Manifest>,
    model: Arc<Model>,
    offers: Arc<OfferIndex>,
    /// The availability of the offers.
    available: Arc<Availability>,
    /// The active offers, and the next ones.
    active_offers_cache: Arc<ActiveOffersCache>,
    rules: Option<Arc<Rulebook>>,
    /// Which items may replace which.
    replacement_rules: Arc<ReplacementRules>,
    out_of_stock: Arc<NumberSet>,
    /// The items that were never bought but pushed as in stock.
    new_in_stock: Arc<NumberSet>,
    store_stock: Arc<KnownStock>,
    /// The erased customers.
    erased: Arc<NumberSet>,
    /// What customers have bought since the model was trained.
    overlay: Arc<Overlay>,
    dismissals: Arc<Dismissals>,
    sensitive: Option<Arc<SensitiveCategories>>,
    /// Whether all answers are anonymous, because it is not known who was erased.
    hides_customers: bool,
}

/// Maximum number of items of a cart that the model is queried with, the last ones; the others are only excluded from
/// the answer.
const MOST_ASKED: usize = 100;

impl Snapshot {
    /// A model with the pushed state.
    pub fn new(opened: Opened, pushed: &PushedState) -> Self {
        recommend::prepare(&opened.model);
        Self::of(Arc::new(opened.manifest), Arc::new(opened.model), pushed)
    }

    fn of(manifest: Arc<Manifest>, model: Arc<Model>, pushed: &PushedState) -> Self {
        let rules = Rulebook::new(&pushed.rules, &model).map(Arc::new);
        let in_stock = |item: &str| pushed.stock.is_in_stock(item);
        Self {
            replacement_rules: Arc::new(ReplacementRules::new(
                &pushed.must_match,
                rules.as_deref(),
                &pushed.replacements,
                &model,
            )),
            sensitive: SensitiveCategories::new(&pushed.sensitive, model.catalogue()).map(Arc::new),
            erased: Arc::new(pushed.erased.numbers(&model)),
            overlay: Arc::new(Overlay::new(pushed.baskets.clone(), &model)),
            dismissals: pushed.dismissals.clone(),
            hides_customers: pushed.awaited,
            out_of_stock: Arc::new(pushed.stock.out_of_stock(&model)),
            new_in_stock: Arc::new(pushed.stock.new_in_stock(&model)),
            store_stock: Arc::new(pushed.store_stock.known_to(&model)),
            available: Arc::new(Availability::new(&pushed.offers, &model, in_stock, rules.as_deref())),
            active_offers_cache: Arc::default(),
            manifest,
            model,
            offers: pushed.offers.clone(),
            rules,
        }
    }

    /// The same model with the current pushed state.
    pub(super) fn renewed(&self, pushed: &PushedState) -> Self {
        Self::of(self.manifest.clone(), self.model.clone(), pushed)
    }

    /// On the present day, if pushed baskets have moved it.
    pub(super) fn on_the_present_day(&self) -> Option<Self> {
        let overlay = || Arc::new(Overlay::new(self.overlay.baskets().clone(), &self.model));
        (!self.overlay.is_current(&self.model)).then(|| Self { overlay: overlay(), ..self.clone() })
    }

    /// The day after the present one, in days since 1970-01-01.
    pub(super) fn end(&self) -> u16 {
        self.overlay.end()
    }

    /// The market's present day.
    pub fn present_day(&self) -> NaiveDate {
        NaiveDate::default() + Days::new(u64::from(self.end().saturating_sub(1)))
    }

    /// With the current decisions on replacements.
    pub(super) fn with_replacements(&self, pushed: &PushedState) -> Self {
        let replacement_rules =
            ReplacementRules::new(&pushed.must_match, self.rules.as_deref(), &pushed.replacements, &self.model);
        Self { replacement_rules: Arc::new(replacement_rules), ..self.clone() }
    }

    /// With the current offers and rules.
    pub(super) fn with(&self, pushed: &PushedState) -> Self {
        let rules = Rulebook::new(&pushed.rules, &self.model).map(Arc::new);
        let in_stock = |item: &str| pushed.stock.is_in_stock(item);
        let available = Availability::new(&pushed.offers, &self.model, in_stock, rules.as_deref());
        let replacement_rules =
            ReplacementRules::new(&pushed.must_match, rules.as_deref(), &pushed.replacements, &self.model);
        let (offers, available, replacement_rules) =
            (pushed.offers.clone(), Arc::new(available), Arc::new(replacement_rules));
        Self { offers, available, active_offers_cache: Arc::default(), rules, replacement_rules, ..self.clone() }
    }

    /// Applies stock changes: items that are in stock, out of stock, or without a record. It copies bit sets, and looks
    /// up only the changed items.
    pub(super) fn with_stock(&self, changes: &[(&str, Option<bool>)]) -> Self {
        let mut out_of_stock = NumberSet::clone(&self.out_of_stock);
        let mut new_in_stock = NumberSet::clone(&self.new_in_stock);
        let catalogue = self.model.catalogue();
        for (id, said) in changes {
            if let Some(item) = catalogue.position(id) {
                out_of_stock.set(item.0, *said == Some(false));
                new_in_stock.set(item.0, *said == Some(true) && catalogue.baskets(item) == 0);
            }
        }
        let changes: Vec<(&str, bool)> = changes.iter().map(|(id, said)| (*id, said.unwrap_or(true))).collect();
        let available = self.available.with_stock(&self.offers, &changes);
        let available = available.map_or_else(|| self.available.clone(), Arc::new);
        let (out_of_stock, new_in_stock) = (Arc::new(out_of_stock), Arc::new(new_in_stock));
        Self { available, out_of_stock, new_in_stock, ..self.clone() }
    }

    /// Applies stock changes of stores, each a store and an item.
    pub(super) fn with_store_stock(&self, pushed: &StoreStock, changes: &[(String, String)]) -> Self {
        let changes = changes.iter().map(|(store, item)| (store.as_str(), item.as_str()));
        let store_stock = Arc::new(self.store_stock.with(&self.model, pushed, changes));
        Self { store_stock, ..self.clone() }
    }

    /// The stock and assortment of a store, or of the whole market.
    pub(super) fn place(&self, store: Option<&str>) -> StoreView<'_> {
        StoreView::new(&self.model, &self.store_stock, [&self.out_of_stock, &self.new_in_stock], store)
    }

    /// Without these customers, by number.
    pub(super) fn without(&self, customers: impl IntoIterator<Item = u32>) -> Self {
        let mut erased = NumberSet::clone(&self.erased);
        if erased.is_empty() {
            erased = NumberSet::new(self.model.histories().customers().len());
        }
        customers.into_iter().for_each(|customer| erased.set(customer, true));
        Self { erased: Arc::new(erased), ..self.clone() }
    }

    /// Whether this snapshot has the same model in memory.
    pub(super) fn is_of(&self, model: &Arc<Model>) -> bool {
        Arc::ptr_eq(&self.model, model)
    }

    /// The model, for use beyond the life of this snapshot.
    pub(super) fn shared_model(&self) -> Arc<Model> {
        self.model.clone()
    }

    /// The manifest of the model.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The offers.
    pub fn offers(&self) -> &[Offer] {
        self.offers.offers()
    }

    /// Number of the model's items that are out of stock.
    pub fn out_of_stock(&self) -> usize {
        self.out_of_stock.len()
    }

    /// Recommends items that are bought together with those of the query.
    pub fn bought_together(&self, query: &ItemQuery<'_>) -> Vec<Answer<'_>> {
        let items = self.numbers(query.items);
        self.within_limits(query, &items, |model_query, limits| {
            let found = recommend::bought_together_and_new(&self.model, model_query, limits, query.new);
            let answer =
                |(question, found): &(Question, Recommended)| self.answered(query, *question, model_query, found);
            found.iter().map(answer).collect()
        })
    }

    /// Recommends alternatives to the first item of the query.
    pub fn alternatives(&self, query: &ItemQuery<'_>) -> Vec<Answer<'_>> {
        let items = self.numbers(query.items);
        self.within_limits(query, &items, |model_query, limits| {
            self.with_substitution_limits(query, model_query, limits, |model_query, limits| {
                // An item that the model does not know has no known category either.
                let found = recommend::alternatives(&self.model, model_query, limits);
                let answer = |found: &Recommended| Answer {
                    quantity: model_query.items.first().and_then(|&item| self.model.instead(item, found.item)),
                    ..self.answered(query, Question::Alternatives, model_query, found)
                };
                found.iter().map(answer).collect()
            })
        })
    }

    /// Lists what a customer will buy again.
    pub fn buy_again(&self, query: &ItemQuery<'_>) -> Vec<DueAnswer<'_>> {
        self.within_limits(query, &[], |model_query, limits| {
            let found = recommend::buy_again(&self.model, model_query, limits).into_iter();
            let answer = |recommend::DueItem { found, due, quantity }| DueAnswer {
                answer: self.answered(query, Question::BuyAgain, model_query, &found),
                due,
                quantity,
            };
            found.map(answer).collect()
        })
    }

    /// Lists what is new for a customer, with at most `per_category` items of a category.
    pub fn new_for_you(&self, query: &ItemQuery<'_>, per_category: usize) -> Vec<Answer<'_>> {
        self.within_limits(query, &[], |model_query, limits| {
            let found = recommend::new_for_you(&self.model, model_query, limits, per_category);
            found.iter().map(|found| self.answered(query, Question::NewForYou, model_query, found)).collect()
        })
    }

    /// Runs a query limited to items that may replace the first one: by attributes that must match, customers'
    /// decisions and price.
    pub(super) fn with_substitution_limits<T>(
        &self,
        query: &ItemQuery<'_>,
        model_query: &Query<'_>,
        limits: &Limits<'_>,
        run: impl FnOnce(&Query<'_>, &Limits<'_>) -> T,
    ) -> T {
        let Some(&item) = model_query.items.first() else { return run(model_query, limits) };
        let said: Vec<(Item, f32)> =
            self.replacement_rules.of(item).iter().map(|(other, taken)| (*other, taken.log())).collect();
        let may_stand_in = |other: Item| {
            (limits.allowed)(other)
                && self.replacement_rules.forbids(&self.model, item, other).is_none()
                && query.price.band.is_none_or(|band| {
                    self.model.price_times(item, other).is_some_and(|times| (times - 1.0).abs() <= band)
                })
        };
        let limits = Limits { allowed: &may_stand_in, prefer: query.price.prefer, ..*limits };
        run(&Query { replacements: &said, ..*model_query }, &limits)
    }

    /// Alternatives to several items, in the order of the query. No item occurs twice, and none of those that are
    /// missing.
    pub fn alternatives_to_each(&self, query: &ItemQuery<'_>) -> Vec<Vec<Answer<'_>>> {
        let mut exclude: Vec<String> = query.exclude.iter().chain(query.items).cloned().collect();
        let mut answers: Vec<Vec<Answer<'_>>> = Vec::with_capacity(query.items.len());
        for item in query.items {
            let one = ItemQuery { items: std::slice::from_ref(item), exclude: &exclude, ..*query };
            let answer = self.alternatives(&one);
            exclude.extend(answer.iter().map(|found| found.id.to_owned()));
            answers.push(answer);
        }
        answers
    }

    /// Number of candidates that the filter of a query removes from its answer.
    pub fn filtered(&self, query: &ItemQuery<'_>, question: Question) -> usize {
        let (items, filter) = (self.numbers(query.items), query.filter.known(self.model.catalogue()));
        let unfiltered = ItemQuery { filter: Filter::default(), ..*query };
        let candidates = self.within_limits(&unfiltered, &items, |model_query, limits| match question {
            Question::Alternatives => {
                self.with_substitution_limits(query, model_query, limits, |model_query, limits| {
                    recommend::alternative_candidates(&self.model, model_query, limits)
                })
            }
            _ => recommend::pool(&self.model, model_query, limits),
        });
        candidates.into_iter().filter(|&item| !filter.passes(item)).count()
    }

    fn answered(
        &self,
        query: &ItemQuery<'_>,
        question: Question,
        model_query: &Query<'_>,
        found: &Recommended,
    ) -> Answer<'_> {
        Answer {
            id: self.model.catalogue().id(found.item),
            score: found.score,
            tier: found.tier,
            quantity: None,
            why: query.explain.say(|| self.why(question, model_query, found)),
        }
    }

    /// Runs a query in the model's numbers, within the limits of stock, rules and request.
    pub(super) fn within_limits<T>(
        &self,
        query: &ItemQuery<'_>,
        items: &[Item],
        run: impl FnOnce(&Query<'_>, &Limits<'_>) -> T,
    ) -> T {
        let (older, items) = items.split_at(items.len().saturating_sub(MOST_ASKED));
        let (place, shopper) = (self.place(query.store), self.shopper(query.customer, query.at));
        let customer = shopper.as_ref().map(|shopper| shopper.profile(&self.model, self.end_at(query.at)));
        let model_query = Query { items, customer, store: place.store(), ..Query::default() };
        let mut exclude = NumberSet::default();
        let dismissed = self.dismissed(query.customer);
        if !query.exclude.is_empty() || !older.is_empty() || !dismissed.is_empty() {
            exclude = NumberSet::new(self.model.catalogue().items().len());
            let excluded = query.exclude.iter().filter_map(|id| self.model.catalogue().position(id));
            excluded.chain(older.iter().copied()).chain(dismissed).for_each(|item| exclude.set(item.0, true));
        }
        let on_offer = query.on_offer.then(|| self.items_on_offer(query.store));
        let is_on_offer = |item: Item| on_offer.as_ref().is_none_or(|on_offer| on_offer.contains(item.0));
        let available = |item: Item| place.has(item) && !exclude.contains(item.0) && is_on_offer(item);
        let filter = (!query.filter.is_nothing()).then(|| query.filter.known(self.model.catalogue()));
        let filtered = |item: Item| available(item) && filter.as_ref().is_none_or(|filter| filter.passes(item));
        let available: &(dyn Fn(Item) -> bool + Sync) = if filter.is_some() { &filtered } else { &available };
        let limits = Limits { allowed: available, repeats: query.repeats, ..Limits::best(query.limit) };
        let categories = self.model.catalogue();
        let are_apart = |one: Item, other: Item| {
            let sensitive = self.sensitive.as_ref();
            sensitive.is_some_and(|sensitive| sensitive.are_apart(categories.category(one), categories.category(other)))
        };
        let beside = |item: Item| available(item) && !items.iter().any(|&asked| are_apart(asked, item));
        let limits = match self.sensitive {
            Some(_) => Limits { allowed: &beside, apart: Some(&are_apart), ..limits },
            None => limits,
        };
        let available = limits.allowed;
        let Some(rules) = &self.rules else { return run(&model_query, &limits) };
        let pinned: Vec<Item> = rules.pinned(items).into_iter().map(|(item, _)| item).collect();
        let blocked = rules.blocked(&self.model, items);
        let allowed = |item: Item| available(item) && blocked.by(&self.model, item).is_none();
        let boost = |item: Item| rules.boost(&self.model, item);
        // Without a boost, scores are the model's own, and anonymous answers come from its cache.
        let boost: Option<&(dyn Fn(Item) -> f32 + Sync)> = if rules.has_boosts() { Some(&boost) } else { None };
        run(&model_query, &Limits { allowed: &allowed, pinned: &pinned, boost, ..limits })
    }

    pub(super) fn why(&self, question: Question, model_query: &Query<'_>, found: &Recommended) -> Why {
        let mut parts = recommend::explain(&self.model, question, model_query, found);
        let mut reasons = self.told(question, model_query, found);
        if question == Question::Alternatives
            && let Some(&item) = model_query.items.first()
        {
            let said = self.replacement_rules.of(item).iter().find(|(other, _)| *other == found.item);
            reasons.extend(
                said.filter(|(_, taken)| taken.accepted >= FEWEST).map(|(_, taken)| ReasonText::accepted(*taken)),
            );
        }
        match (&self.rules, found.tier) {
            (Some(rules), Tier::Model) => {
                for (share, rule) in rules.boosts(&self.model, found.item) {
                    parts.push(Part { signal: "boost".into(), value: share, share });
                    reasons.extend((share > 0.0).then(|| ReasonText::rule(rule)));
                }
                parts.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()));
            }
            (Some(rules), Tier::Pinned) => {
                let pinned = rules.pinned(model_query.items).into_iter().find(|(item, _)| *item == found.item);
                reasons = pinned.into_iter().map(|(_, rule)| ReasonText::rule(rule)).collect();
            }
            _ => {}
        }
        Why { reasons, parts }
    }

    fn told(&self, question: Question, model_query: &Query<'_>, found: &Recommended) -> Vec<ReasonText> {
        let sensitive = self.sensitive.as_ref();
        let is_discreet = |category| sensitive.is_some_and(|sensitive| sensitive.is_discreet(category));
        let reasons = recommend::reasons(&self.model, question, model_query, found, &is_discreet);
        reasons.into_iter().map(|reason| ReasonText::new(&self.model, reason)).collect()
    }

    /// The rule that blocks an item from the answer to a query.
    pub(super) fn blocked_by(&self, query: &[Item], item: Item) -> Option<&str> {
        self.rules.as_ref()?.blocked(&self.model, query).by(&self.model, item)
    }

    /// Why an item may not replace another; `None` if it may.
    pub(super) fn forbids(&self, item: Item, other: Item) -> Option<Forbidden<'_>> {
        self.replacement_rules.forbids(&self.model, item, other)
    }

    /// The numbers of the items that the model knows, without duplicates.
    pub(super) fn numbers(&self, ids: &[String]) -> Vec<Item> {
        let catalogue = self.model.catalogue();
        if let [id] = ids {
            return catalogue.position(id).into_iter().collect();
        }
        let mut known = NumberSet::new(catalogue.items().len());
        let mut numbers: Vec<Item> = Vec::with_capacity(ids.len());
        for item in ids.iter().filter_map(|id| catalogue.position(id)).filter(|&item| known.insert(item.0)) {
            numbers.push(item);
        }
        numbers
    }

    /// A customer as of now, or of another time in Unix seconds; `None` for an anonymous or an erased one.
    fn shopper(&self, id: Option<&str>, at: Option<i64>) -> Option<Shopper> {
        let (id, model) = (id?, &*self.model);
        let known = model.histories().position(id);
        if self.hides_customers || known.is_some_and(|customer| self.erased.contains(customer.0)) {
            return None;
        }
        let current = match at {
            Some(time) => self.overlay.at(id, known, model, time),
            None => self.overlay.of(id, known, model),
        };
        current.map(Shopper::Current).or_else(|| known.map(Shopper::Known))
    }

    /// The items that a customer does not want to see.
    fn dismissed(&self, customer: Option<&str>) -> Vec<Item> {
        let Some(customer) = customer.filter(|_| !self.hides_customers) else { return Vec::new() };
        let since = self.overlay.baskets().config().dismissed_since(Utc::now());
        self.dismissals.of(customer, self.model.catalogue(), since)
    }

    /// The day after the present one, or after that of another time.
    fn end_at(&self, at: Option<i64>) -> u16 {
        at.map_or_else(|| self.overlay.end(), |time| day(time).saturating_add(1))
    }
}
