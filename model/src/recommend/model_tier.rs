use super::list::{Kinds, varied};
use super::score::best;
use super::tiers::{is_apart, may_show};
use super::{Limits, Recommended, Tier};
use crate::answer_cache::{CACHED, PerItem};
use crate::{Model, Query, Question};

/// The model's own tier of an answer to a question: which candidates there are and where answers for anybody are kept.
pub(super) struct ModelTier<'a, C> {
    pub(super) model: &'a Model,
    pub(super) question: Question,
    pub(super) query: &'a Query<'a>,
    pub(super) cache: &'a PerItem<(u32, f32)>,
    /// The candidates within some limits, strictly rising.
    pub(super) candidates: C,
}

impl<C: Fn(&Limits<'_>) -> Vec<u32>> ModelTier<'_, C> {
    /// Adds the best of the candidates: from what is kept, if the answer depends on nothing but the one item that is
    /// asked about and what may be shown; else they are scored. The two differ in one way: filtered items do not free
    /// candidate slots in what is kept.
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
        // As many as are kept for anybody, so that those of one category do not leave the others out.
        let ranked = wanted.max(CACHED);
        let best = best(self.model, self.question, self.query, &(self.candidates)(limits), limits, ranked);
        answer.extend(self.listed(best, answer, limits));
    }

    /// What comes after what is in the answer already.
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

    /// Hands over the best of the candidates, one after the other, until no more are needed: from what is kept, as
    /// [`ModelTier::add`]. True if more would be needed.
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

    /// All that [`ModelTier::add`] chooses from after what is pinned, best first.
    pub(super) fn ranking(&self, limits: &Limits<'_>, pinned: usize) -> Vec<Recommended> {
        let wanted = limits.limit.saturating_sub(pinned);
        let reaches = |cached: &&[(u32, f32)]| {
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

    /// The cached list of the item asked about, if answers within these limits come from it.
    fn cached(&self, limits: &Limits<'_>) -> Option<&[(u32, f32)]> {
        let (&[item], None, None) = (self.query.items, self.query.customer, limits.boost) else { return None };
        // What is bought together does not depend on the store, beyond what it sells.
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

    fn may_add(&self, limits: &Limits<'_>, item: u32) -> bool {
        !limits.pinned.contains(&item) && may_show(self.query, limits, item)
    }
}

/// A cached item with its score.
fn of_model((item, score): (u32, f32)) -> Recommended {
    Recommended { item, score, tier: Tier::Model }
}
