use super::model_tier::ModelTier;
use super::score::tidy;
use super::tiers::{is_apart, may_show, pinned};
use super::{Limits, Prefer, Recommended, Tier};
use crate::{Flaw, Item, Model, Profile, Query, Question, Top};

/// Maximum number of candidates from the category, and from the nearest input vectors, for anonymous customers, whose
/// answers are cached. Half as many come from the most similar items by description.
const BROAD: usize = 100;

/// The same for known customers, whose answers are not cached. More candidates gained nothing (docs/evaluation.md).
const NARROW: usize = 32;

/// The list length that `flawless` of the rules is specified for.
const SIX: usize = 6;

/// Minimum number of alternatives: with fewer flawless ones, those with the smallest flaws are shown too.
const FEWEST: usize = 3;

/// Minimum name similarity from which an item of another category can be an alternative, if there are names: white
/// grapes for red ones.
const WORDS: f32 = 0.3;

/// Number of alternatives collected before the preferred ones are chosen; four times the wanted number, if that is
/// more.
const MOST_COLLECTED: usize = 64;

/// Maximum number of bestsellers of a category that are considered to fill up a list.
const MOST_MEMBERS: usize = 2000;

/// Number of bestsellers that are compared with an item without a kind.
const COMPARED: u32 = 20_000;

/// Alternatives to the first item of the query, which is out of stock.
///
/// Below the tier `model` there are only items of the same category: others could not replace the item, so a shorter
/// answer is more useful. [`AlternativeRules`](crate::AlternativeRules) limit alternatives with a [`Flaw`], such as
/// another size or price, for the same reason.
pub fn alternatives(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    let Some(&item) = query.items.first() else { return Vec::new() };
    let mut answer = pinned(query, limits);
    let wanted = limits.limit.saturating_sub(answer.len());
    let mut found = Found::new(model, query, limits, wanted);
    let mut is_short = wanted > 0;
    if model.catalogue().baskets(item) > 0 || model.is_described() {
        let candidates = |limits: &Limits<'_>| alternative_candidates(model, query, limits);
        let cache = &model.cache().alternatives;
        let tier = ModelTier { model, question: Question::Alternatives, query, cache, candidates };
        let is_shown = |one: &Recommended| answer.iter().any(|other| other.item == one.item);
        is_short = is_short && tier.each(limits, wanted, |one| is_shown(&one) || found.add(one));
    }
    if is_short && let Some(kind) = model.catalogue().kind(item) {
        let mut there: Vec<Item> =
            found.list.iter().map(|(_, one)| one.item).chain(answer.iter().map(|one| one.item)).collect();
        there.sort_unstable();
        let members = model.catalogue().members(kind).iter().copied().take(MOST_MEMBERS);
        let mut others = members
            .filter(|other| there.binary_search(other).is_err() && may_show(query, limits, *other))
            .map(|item| Recommended { item, score: model.catalogue().popularity(item), tier: Tier::Category });
        others.all(|one| found.add(one));
    }
    for one in found.chosen() {
        if answer.len() < limits.limit && !is_apart(limits, &answer, one.item) {
            answer.push(one);
        }
    }
    answer
}

/// All candidates that the tier `model` ranks for the same query, best first.
pub fn alternatives_ranking(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    let candidates = |limits: &Limits<'_>| alternative_candidates(model, query, limits);
    let cache = &model.cache().alternatives;
    let tier = ModelTier { model, question: Question::Alternatives, query, cache, candidates };
    tier.ranking(limits, pinned(query, limits).len())
}

/// Eligible alternatives, best first, each with its flaw.
struct Found<'a> {
    model: &'a Model,
    item: Item,
    customer: Option<Profile<'a>>,
    limits: &'a Limits<'a>,
    wanted: usize,
    /// Minimum number of flawless alternatives, if there are enough.
    flawless: usize,
    /// Whether all alternatives should be flawless.
    is_strict: bool,
    list: Vec<(Flaw, Recommended)>,
    /// Number of alternatives per flaw.
    counts: [usize; Flaw::ALL.len()],
}

impl<'a> Found<'a> {
    fn new(model: &'a Model, query: &Query<'a>, limits: &'a Limits<'a>, wanted: usize) -> Self {
        let flawless = model.blends().alternative_rules.flawless;
        Self {
            model,
            item: query.items[0],
            customer: query.customer,
            limits,
            wanted,
            flawless: flawless.saturating_mul(wanted).div_ceil(SIX).min(wanted),
            is_strict: flawless >= SIX,
            list: Vec::with_capacity(2 * SIX),
            counts: [0; Flaw::ALL.len()],
        }
    }

    /// Adds the next best. Returns false if no more are needed.
    fn add(&mut self, one: Recommended) -> bool {
        let is_wished_for = self.limits.prefer == Some(Prefer::Cheaper) && self.is_preferred(one.item);
        let flaw = match self.model.flaw(self.item, one.item, self.customer.as_ref()) {
            Flaw::Price if is_wished_for => Flaw::None,
            flaw => flaw,
        };
        self.list.push((flaw, one));
        self.counts[flaw as usize] += 1;
        let is_enough = self.with(if self.is_strict { Flaw::None } else { Flaw::Size }) >= self.wanted;
        // With `apart` some will be left out, and with `prefer` better ones may come later.
        let is_first = self.limits.prefer.is_none() && self.limits.apart.is_none();
        let is_all = self.list.len() >= MOST_COLLECTED.max(4 * self.wanted);
        !(is_enough && self.with(Flaw::None) >= self.flawless && (is_first || is_all))
    }

    /// Number of alternatives with a flaw no worse than this.
    fn with(&self, most: Flaw) -> usize {
        self.counts[..=most as usize].iter().sum()
    }

    fn is_preferred(&self, other: Item) -> bool {
        let times = self.model.price_times(self.item, other);
        match self.limits.prefer {
            None => true,
            Some(Prefer::Cheaper) => times.is_some_and(|times| times < 1.0),
            Some(Prefer::SamePrice) => {
                times.is_some_and(|times| (Prefer::SAME.recip()..=Prefer::SAME).contains(&times))
            }
        }
    }

    /// The alternatives to show, best first.
    fn chosen(mut self) -> Vec<Recommended> {
        if self.limits.prefer.is_some() {
            let mut list = std::mem::take(&mut self.list);
            // Stable, so that equally preferred items stay in the order of their scores.
            list.sort_by_key(|(_, one)| !self.is_preferred(one.item));
            self.list = list;
        }
        let fewest = FEWEST.min(self.wanted);
        let most = if !self.is_strict || self.with(Flaw::Price) < fewest {
            Flaw::Size
        } else if self.with(Flaw::None) < fewest {
            Flaw::Price
        } else {
            Flaw::None
        };
        let mut places_for_flaws =
            if self.is_strict { self.wanted } else { self.wanted - self.flawless.min(self.with(Flaw::None)) };
        let mut fits = |flaw: Flaw| {
            let has_place = flaw == Flaw::None || places_for_flaws > 0;
            places_for_flaws -= usize::from(flaw != Flaw::None && has_place);
            has_place
        };
        let list = &self.list;
        let ranks = |of: Flaw| (0..list.len()).filter(move |&rank| list[rank].0 == of);
        let mut chosen: Vec<usize> =
            (0..list.len()).filter(|&rank| list[rank].0 <= most && fits(list[rank].0)).collect();
        if chosen.len() >= fewest {
            return chosen.into_iter().map(|rank| list[rank].1).collect();
        }
        // Fill up to `FEWEST`: first items of another category with similar names, most similar first, then items no
        // longer sold.
        let likeness = |rank: &usize| self.model.likeness(self.item, list[*rank].1.item);
        let has_words = |rank: &usize| {
            self.model.name_similarity(self.item, list[*rank].1.item) >= WORDS
                || self.model.catalogue().names().is_empty()
        };
        let others = ranks(Flaw::Kind).filter(has_words);
        let mut others: Vec<(f32, usize)> = others.map(|rank| (likeness(&rank), rank)).collect();
        others.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut others: Vec<usize> = others.into_iter().map(|(_, rank)| rank).collect();
        others.extend(ranks(Flaw::NotSold));
        chosen.extend(others.into_iter().take(fewest - chosen.len()));
        // In the order of the scores, preferred ones first.
        chosen.sort_unstable();
        chosen.into_iter().map(|rank| list[rank].1).collect()
    }
}

/// The candidates that pass the filters, strictly ascending: the nearest items by input vectors, bestsellers of the
/// same category, the most similar items by description, and the customer's own items of the category.
pub fn alternative_candidates(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Item> {
    let Some(&item) = query.items.first() else { return Vec::new() };
    let may_show = |other| may_show(query, limits, other);
    let wanted = if query.customer.is_some() { NARROW } else { BROAD }.max(limits.limit);
    let kind = model.catalogue().kind(item);
    let mut candidates: Vec<Item> = Vec::new();
    if let Some(kind) = kind {
        let members = model.catalogue().members(kind).iter().copied();
        candidates.extend(members.filter(|&other| may_show(other)).take(wanted));
    }
    // Items of another category are shown only while those of this one are few.
    let is_full = candidates.len() == wanted;
    let is_wanted = |other: Item| !is_full || model.catalogue().kind(other) == kind;
    if model.is_learned(item) {
        let neighbours = &model.cache().neighbours;
        let nearest = neighbours.first(item, wanted, &may_show, |wanted, allowed| model.nearest(item, wanted, allowed));
        candidates.extend(nearest.into_iter().filter(|&other| is_wanted(other)));
    }
    if model.is_described() {
        let alike = &model.cache().alike;
        candidates.extend(
            alike.first(item, wanted / 2, &may_show, |wanted, allowed| most_alike(model, item, wanted, allowed)),
        );
    }
    if let (Some(kind), Some(customer)) = (kind, query.customer) {
        let own = customer.items().iter().copied();
        candidates.extend(own.filter(|&own| model.catalogue().kind(own) == Some(kind) && may_show(own)));
    }
    tidy(model, &candidates, |_| true)
}

/// The most similar items of the same kind by description, flawless ones first; of the bestsellers, if the item has no
/// kind.
fn most_alike(model: &Model, item: Item, wanted: usize, allowed: &dyn Fn(Item) -> bool) -> Vec<Item> {
    /// Larger than any difference between two likenesses.
    const FLAW: f32 = 1000.0;
    let mut best = Top::new(wanted);
    let mut add = |other: Item| {
        if other != item && allowed(other) {
            let flaw = model.flaw(item, other, None);
            best.push(model.likeness(item, other) - FLAW * f32::from(flaw as u8), other.0);
        }
    };
    match model.catalogue().kind(item) {
        Some(kind) => model.catalogue().members(kind).iter().for_each(|&other| add(other)),
        None => (0..model.catalogue().bought().min(COMPARED)).map(Item).for_each(&mut add),
    }
    best.into_sorted().into_iter().map(|(item, _)| Item(item)).collect()
}
