use std::sync::OnceLock;

use super::list::{Kinds, varied};
use super::score::best;
use super::tiers::{is_apart, may_show};
use super::{Limits, Recommended};
use crate::nearest::NEIGHBOURS;
use crate::{Model, Query, Question};

/// What is worked out when it is first asked for, and kept: it depends on nothing but the model. Most visitors of a
/// shop are nobody in particular.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    /// What is bought together with each item, for anybody.
    pub(super) together: PerItem<Recommended>,
    /// The alternatives to each item, for anybody.
    pub(super) alternatives: PerItem<Recommended>,
    /// The nearest neighbours of each item.
    pub(super) neighbours: PerItem<u32>,
    /// What is most like each item by what the shop says of them.
    pub(super) alike: PerItem<u32>,
    /// The strongest partners of each item and of its category.
    pub(super) partners: PerItem<u32>,
}

/// A list for each item.
#[derive(Debug)]
pub(super) struct PerItem<T>(Vec<OnceLock<Box<[T]>>>);

/// Items kept of an answer: the six that are wanted, and those that stand behind them when some may not be shown.
const CACHED: usize = 64;

/// Items kept of a list that candidates are taken from.
const CANDIDATES: usize = NEIGHBOURS;

impl AnswerCache {
    /// For so many items; nothing is worked out yet.
    pub(crate) fn new(items: usize) -> Self {
        Self {
            together: PerItem::new(items),
            alternatives: PerItem::new(items),
            neighbours: PerItem::new(items),
            alike: PerItem::new(items),
            partners: PerItem::new(items),
        }
    }
}

impl<T> PerItem<T> {
    fn new(items: usize) -> Self {
        Self((0..items).map(|_| OnceLock::new()).collect())
    }

    /// The list of an item.
    pub(super) fn of(&self, item: u32, work_out: impl FnOnce() -> Vec<T>) -> &[T] {
        self.0.get(item as usize).map_or(&[], |list| list.get_or_init(|| work_out().into_boxed_slice()))
    }
}

impl PerItem<u32> {
    /// The first `wanted` of an item's list that may be shown, as `work_out` finds them. What is kept is filtered: as long
    /// as little is out of stock, nothing needs to be worked out.
    pub(super) fn first(
        &self,
        item: u32,
        wanted: usize,
        may_show: &dyn Fn(u32) -> bool,
        work_out: impl Fn(usize, &dyn Fn(u32) -> bool) -> Vec<u32>,
    ) -> Vec<u32> {
        // Nothing is kept of items that nobody has bought yet.
        if wanted <= CANDIDATES && (item as usize) < self.0.len() {
            let all = self.of(item, || work_out(CANDIDATES, &|_| true));
            let shown: Vec<u32> = all.iter().copied().filter(|&other| may_show(other)).take(wanted).collect();
            if shown.len() == wanted || all.len() < CANDIDATES {
                return shown;
            }
        }
        work_out(wanted, may_show)
    }
}

/// The model's own tier of an answer to a question: which candidates there are and where answers for anybody are kept.
pub(super) struct ModelTier<'a, C> {
    pub(super) model: &'a Model,
    pub(super) question: Question,
    pub(super) query: &'a Query<'a>,
    pub(super) cache: &'a PerItem<Recommended>,
    /// The candidates within some limits, strictly rising.
    pub(super) candidates: C,
}

impl<C: Fn(&Limits<'_>) -> Vec<u32>> ModelTier<'_, C> {
    /// Adds the best of the candidates: from what is kept, if the answer depends on nothing but the one item that is
    /// asked about and what may be shown; else they are scored. The two differ in one way: filtered items do not free
    /// candidate slots in what is kept.
    pub(super) fn add(&self, limits: &Limits<'_>, answer: &mut Vec<Recommended>) {
        let wanted = limits.limit.saturating_sub(answer.len());
        if let Some(cache) = self.cache(limits) {
            let shown = cache.iter().filter(|found| self.may_add(limits, found.item)).copied();
            let list = self.listed(shown, answer, limits);
            if list.len() == wanted || cache.len() < CACHED {
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
        if let Some(cache) = self.cache(limits) {
            let shown = || cache.iter().filter(|found| self.may_add(limits, found.item)).copied();
            if cache.len() < CACHED || shown().take(wanted).count() == wanted {
                return shown().all(add);
            }
        }
        let candidates = (self.candidates)(limits);
        best(self.model, self.question, self.query, &candidates, limits, wanted.max(CACHED)).all(&mut add)
    }

    /// All that [`ModelTier::add`] chooses from after what is pinned, best first.
    pub(super) fn ranking(&self, limits: &Limits<'_>, pinned: usize) -> Vec<Recommended> {
        let wanted = limits.limit.saturating_sub(pinned);
        let reaches = |cache: &&[Recommended]| {
            let shown = cache.iter().filter(|found| self.may_add(limits, found.item));
            cache.len() < CACHED || shown.take(wanted).count() == wanted
        };
        let mut candidates = match self.cache(limits).filter(reaches) {
            Some(_) => (self.candidates)(&Limits::best(CACHED)),
            None => (self.candidates)(limits),
        };
        candidates.retain(|&item| self.may_add(limits, item));
        best(self.model, self.question, self.query, &candidates, limits, candidates.len()).collect()
    }

    /// What is kept for anybody, if the answer is one of these.
    fn cache(&self, limits: &Limits<'_>) -> Option<&[Recommended]> {
        let (&[item], None, None) = (self.query.items, self.query.customer, limits.boost) else { return None };
        // What is bought together does not depend on the store, beyond what it sells.
        let is_of_store = self.question == Question::Alternatives && self.query.store.is_some();
        let is_known = (item as usize) < self.cache.0.len();
        (is_known && !is_of_store && self.query.replacements.is_empty() && limits.limit <= CACHED).then(|| {
            self.cache.of(item, || {
                let all = Limits::best(CACHED);
                best(self.model, self.question, self.query, &(self.candidates)(&all), &all, CACHED).collect()
            })
        })
    }

    fn may_add(&self, limits: &Limits<'_>, item: u32) -> bool {
        !limits.pinned.contains(&item) && may_show(self.query, limits, item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_is_kept_is_filtered_and_worked_out_again_only_if_it_does_not_reach() {
        let worked_out = Cell::new(0);
        let all = |of: u32| {
            let worked_out = &worked_out;
            move |wanted: usize, may_show: &dyn Fn(u32) -> bool| -> Vec<u32> {
                worked_out.set(worked_out.get() + 1);
                (0..of).filter(|&item| may_show(item)).take(wanted).collect()
            }
        };
        let lists: PerItem<u32> = PerItem::new(2);
        let even = |item: u32| item.is_multiple_of(2);
        assert_eq!(lists.first(0, 3, &even, all(1000)), [0, 2, 4]);
        assert_eq!(lists.first(0, 3, &|item| item > 150, all(1000)), [151, 152, 153]);
        assert_eq!(worked_out.get(), 1, "once, and kept");
        assert_eq!(lists.first(0, 3, &|item| item > 158, all(1000)), [159, 160, 161], "beyond what is kept");
        assert_eq!(lists.first(0, 200, &even, all(1000)).len(), 200, "more than is kept");
        assert_eq!(worked_out.get(), 3);
        assert_eq!(lists.first(1, 3, &|item| item > 8, all(10)), [9], "a short list is all there is");
        assert_eq!(worked_out.get(), 4);
    }
}
