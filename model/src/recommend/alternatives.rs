use super::model_tier::ModelTier;
use super::score::tidy;
use super::tiers::{is_apart, may_show, pinned};
use super::{Limits, Prefer, Recommended, Tier};
use crate::{Flaw, Model, Profile, Query, Question, Top};

/// So many candidates are from the neighbourhood of the input vector, as many from the category, and half as many of those
/// most like the item: for anybody, whose answer is kept.
const BROAD: usize = 100;

/// For a customer, who is answered anew each time. To look at more gained nothing (docs/evaluation.md).
const NARROW: usize = 32;

/// The length of list that the rule for flaws is meant for.
const SIX: usize = 6;

/// Where fewer than so many are without a flaw, those with the least are shown too.
const FEWEST: usize = 3;

/// From so alike names on an item of another category may stand in for one, where there are names: white grapes for red ones.
const WORDS: f32 = 0.3;

/// So many are collected at the least before those that are preferred are chosen.
const MOST_COLLECTED: usize = 64;

/// So many of the best-selling of a category are looked at to fill up a list.
const MOST_MEMBERS: usize = 2000;

/// Of items without a category so many of the best-selling are compared with the item asked about.
const COMPARED: u32 = 20_000;

/// The first item of the question is out of stock: what instead? Below the model's own tier there are only items of the same
/// category: anything else could not stand in for it, and a shorter answer is more useful. So it is than one with items that
/// are too large, too dear or not sold any more ([`Flaw`]).
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
        let mut there: Vec<u32> =
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

/// All that the model would choose from for the same question, best first.
pub fn alternatives_ranking(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    let candidates = |limits: &Limits<'_>| alternative_candidates(model, query, limits);
    let cache = &model.cache().alternatives;
    let tier = ModelTier { model, question: Question::Alternatives, query, cache, candidates };
    tier.ranking(limits, pinned(query, limits).len())
}

/// What could be shown, best first, each with what speaks against it.
struct Found<'a> {
    model: &'a Model,
    item: u32,
    customer: Option<Profile<'a>>,
    limits: &'a Limits<'a>,
    wanted: usize,
    /// So many of those wanted are without a flaw, as far as there are any.
    flawless: usize,
    /// Whether the others are to have none either.
    is_strict: bool,
    list: Vec<(Flaw, Recommended)>,
    /// How many there are with each flaw.
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

    /// Adds the next best. False if no more are needed.
    fn add(&mut self, one: Recommended) -> bool {
        let is_wished_for = self.limits.prefer == Some(Prefer::Cheaper) && self.is_preferred(one.item);
        let flaw = match self.model.flaw(self.item, one.item, self.customer.as_ref()) {
            Flaw::Price if is_wished_for => Flaw::None,
            flaw => flaw,
        };
        self.list.push((flaw, one));
        self.counts[flaw as usize] += 1;
        let is_enough = self.with(if self.is_strict { Flaw::None } else { Flaw::Size }) >= self.wanted;
        // Of what must not stand beside each other some will be left out, and what is preferred may come later.
        let is_first = self.limits.prefer.is_none() && self.limits.apart.is_none();
        let is_all = self.list.len() >= MOST_COLLECTED.max(4 * self.wanted);
        !(is_enough && self.with(Flaw::None) >= self.flawless && (is_first || is_all))
    }

    /// How many have no worse flaw.
    fn with(&self, most: Flaw) -> usize {
        self.counts[..=most as usize].iter().sum()
    }

    fn is_preferred(&self, other: u32) -> bool {
        let times = self.model.price_times(self.item, other);
        match self.limits.prefer {
            None => true,
            Some(Prefer::Cheaper) => times.is_some_and(|times| times < 1.0),
            Some(Prefer::SamePrice) => {
                times.is_some_and(|times| (Prefer::SAME.recip()..=Prefer::SAME).contains(&times))
            }
        }
    }

    /// What is to be shown, best first.
    fn chosen(mut self) -> Vec<Recommended> {
        if self.limits.prefer.is_some() {
            let mut list = std::mem::take(&mut self.list);
            // Stable, so that the order is that of the scores otherwise.
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
        // Of another category those whose names say that they are like it, the most like it first, and then what is not sold
        // any more: as many as make three.
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
        // In the order of their scores, or of what is preferred.
        chosen.sort_unstable();
        chosen.into_iter().map(|rank| list[rank].1).collect()
    }
}

/// What the model chooses from, strictly rising: items bought in the same company, those of the same category, those most
/// like it by what the shop says of them, and what the customer has bought of the category; of these, what may be shown.
pub fn alternative_candidates(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<u32> {
    let Some(&item) = query.items.first() else { return Vec::new() };
    let may_show = |other| may_show(query, limits, other);
    let wanted = if query.customer.is_some() { NARROW } else { BROAD }.max(limits.limit);
    let kind = model.catalogue().kind(item);
    let mut candidates: Vec<u32> = Vec::new();
    if let Some(kind) = kind {
        let members = model.catalogue().members(kind).iter().copied();
        candidates.extend(members.filter(|&other| may_show(other)).take(wanted));
    }
    // Of another category only as long as there is little of this one: nothing else would be shown.
    let is_full = candidates.len() == wanted;
    let is_wanted = |other: u32| !is_full || model.catalogue().kind(other) == kind;
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

/// The items of the same category that are most like one by what the shop says of them, those without a flaw first; of all
/// items, if the category is no kind of thing.
fn most_alike(model: &Model, item: u32, wanted: usize, allowed: &dyn Fn(u32) -> bool) -> Vec<u32> {
    /// More than all likenesses together can be apart.
    const FLAW: f32 = 1000.0;
    let mut best = Top::new(wanted);
    let mut add = |other: u32| {
        if other != item && allowed(other) {
            let flaw = model.flaw(item, other, None);
            best.push(model.likeness(item, other) - FLAW * f32::from(flaw as u8), other);
        }
    };
    match model.catalogue().kind(item) {
        Some(kind) => model.catalogue().members(kind).iter().for_each(|&other| add(other)),
        None => (0..model.catalogue().bought().min(COMPARED)).for_each(&mut add),
    }
    best.into_sorted().into_iter().map(|(item, _)| item).collect()
}
