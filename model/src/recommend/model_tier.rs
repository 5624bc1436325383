use super::list::{Kinds, varied};
use super::score::best;
use super::tiers::{is_apart, may_show};
use super::{Limits, Recommended, Tier};
use crate::answer_cache::{CACHED, PerItem};
use crate::{Item, Model, Query, Question};

/// The tier `model` of a question: its candidates and its answer cache.
pub(super) struct ModelTier<'a, C> {
    pub(super) model: &'a Model,
    pub(super) question: Question,
    pub(super) query: &'a Query<'a>,
    pub(super) cache: &'a PerItem<(Item, f32)>,
    /// The candidates within the limits, strictly ascending.
    pub(super) candidates: C,
}

impl<C: Fn(&Limits<'_>) -> Vec<Item>> ModelTier<'_, C> {
    /// Adds the best candidates to the answer.
    ///
    /// They come from the cache if the answer depends only on one query item and the filters; otherwise the candidates
    /// are scored. The two paths differ in one way: in a cached list, filtered items do not free candidate slots.
    pub(super) fn add(&self, limits: &Limits<'_>, answer: &mut Vec<Recommended>) {
        let wanted = limits.limit.saturating_sub(answer.len());
        if let Some(cached) = self.cached(limits) {
            let shown = cached.iter().copied().map(of_model).filter(|found| self.may_add(limits, found.item));
            let list = self.listed(shown, answer, limits);
            if list.len() == wanted || cached.len() < CACHED {
                answer.extend(list);
                return;
            }
        }
        // At least as many as are cached, so that items of one category do not crowd out the others.
        let ranked = wanted.max(CACHED);
        let best = best(self.model, self.question, self.query, &(self.candidates)(limits), limits, ranked);
        answer.extend(self.listed(best, answer, limits));
    }

    /// The items that follow those already in the answer.
    fn listed(
        &self,
        ranking: impl Iterator<Item = Recommended>,
        answer: &[Recommended],
        limits: &Limits<'_>,
    ) -> Vec<Recommended> {
        let wanted = limits.limit.saturating_sub(answer.len());
        let ranking = ranking.filter(|found| !is_apart(limits, answer, found.item));
        let kinds = Kinds::new(self.model, self.query);
        let ranking = ranking.map(|found| (found, kinds.of(found.item)));
        let apart =
            |one: &Recommended, other: &Recommended| limits.apart.is_some_and(|apart| apart(one.item, other.item));
        varied(&self.model.blends().list, ranking, apart, wanted, limits.limit)
    }

    /// Passes the best candidates to `add`, one by one, until it returns false; cached as in [`ModelTier::add`].
    /// Returns true if more candidates are needed.
    pub(super) fn each(&self, limits: &Limits<'_>, wanted: usize, mut add: impl FnMut(Recommended) -> bool) -> bool {
        if let Some(cached) = self.cached(limits) {
            let shown = || cached.iter().copied().map(of_model).filter(|found| self.may_add(limits, found.item));
            if cached.len() < CACHED || shown().take(wanted).count() == wanted {
                return shown().all(add);
            }
        }
        let candidates = (self.candidates)(limits);
        best(self.model, self.question, self.query, &candidates, limits, wanted.max(CACHED)).all(&mut add)
    }

    /// All candidates that [`ModelTier::add`] ranks, without pinned items, best first.
    pub(super) fn ranking(&self, limits: &Limits<'_>, pinned: usize) -> Vec<Recommended> {
        let wanted = limits.limit.saturating_sub(pinned);
        let reaches = |cached: &&[(Item, f32)]| {
            let shown = cached.iter().filter(|(item, _)| self.may_add(limits, *item));
            cached.len() < CACHED || shown.take(wanted).count() == wanted
        };
        let mut candidates = match self.cached(limits).filter(reaches) {
            Some(_) => (self.candidates)(&Limits::best(CACHED)),
            None => (self.candidates)(limits),
        };
        candidates.retain(|&item| self.may_add(limits, item));
        best(self.model, self.question, self.query, &candidates, limits, candidates.len()).collect()
    }

    /// The cached list of the query item, if answers within these limits can use it.
    fn cached(&self, limits: &Limits<'_>) -> Option<&[(Item, f32)]> {
        let (&[item], None, None) = (self.query.items, self.query.customer, limits.boost) else { return None };
        // For bought together, a store only filters the list.
        let is_of_store = self.question == Question::Alternatives && self.query.store.is_some();
        let is_known = self.cache.covers(item);
        (is_known && !is_of_store && self.query.replacements.is_empty() && limits.limit <= CACHED).then(|| {
            self.cache.of(item, || {
                let all = Limits::best(CACHED);
                let best = best(self.model, self.question, self.query, &(self.candidates)(&all), &all, CACHED);
                best.map(|found| (found.item, found.score)).collect()
            })
        })
    }

    fn may_add(&self, limits: &Limits<'_>, item: Item) -> bool {
        !limits.pinned.contains(&item) && may_show(self.query, limits, item)
    }
}

/// A cached item with its score.
fn of_model((item, score): (Item, f32)) -> Recommended {
    Recommended { item, score, tier: Tier::Model }
}
