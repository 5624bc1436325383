//! Cached lists that depend only on the model, computed on first use: answers to anonymous customers, and sources of
//! candidates.

use std::sync::OnceLock;

use crate::nearest::NEIGHBOURS;

/// One cache per kind of list.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    /// Items bought together with each item, for anonymous customers: items with their scores, best first.
    pub(crate) together: PerItem<(u32, f32)>,
    /// The alternatives to each item, likewise.
    pub(crate) alternatives: PerItem<(u32, f32)>,
    /// The nearest neighbours of each item.
    pub(crate) neighbours: PerItem<u32>,
    /// The most similar items by attributes, names and prices.
    pub(crate) alike: PerItem<u32>,
    /// The strongest partners of each item and of its category.
    pub(crate) partners: PerItem<u32>,
}

/// A list for each item.
#[derive(Debug)]
pub(crate) struct PerItem<T>(Vec<OnceLock<Box<[T]>>>);

/// Number of items in a cached answer: more than the usual six, so that filtered items can be replaced.
pub(crate) const CACHED: usize = 64;

/// Number of items in a cached list of candidates.
const CANDIDATES: usize = NEIGHBOURS;

impl AnswerCache {
    /// An empty cache for this number of items.
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
    /// Whether an item can have a list.
    pub(crate) fn covers(&self, item: u32) -> bool {
        (item as usize) < self.0.len()
    }

    fn new(items: usize) -> Self {
        Self((0..items).map(|_| OnceLock::new()).collect())
    }

    /// The list of an item, computed on first use; empty for an item beyond the table.
    pub(crate) fn of(&self, item: u32, compute: impl FnOnce() -> Vec<T>) -> &[T] {
        self.0.get(item as usize).map_or(&[], |list| list.get_or_init(|| compute().into_boxed_slice()))
    }
}

impl PerItem<u32> {
    /// The first `wanted` items of a list that pass the filter, as `compute` finds them. The cached list is filtered,
    /// so nothing is computed as long as few items are filtered.
    pub(crate) fn first(
        &self,
        item: u32,
        wanted: usize,
        may_show: &dyn Fn(u32) -> bool,
        compute: impl Fn(usize, &dyn Fn(u32) -> bool) -> Vec<u32>,
    ) -> Vec<u32> {
        // Items that were never bought have no cached lists.
        if wanted <= CANDIDATES && (item as usize) < self.0.len() {
            let all = self.of(item, || compute(CANDIDATES, &|_| true));
            let shown: Vec<u32> = all.iter().copied().filter(|&other| may_show(other)).take(wanted).collect();
            if shown.len() == wanted || all.len() < CANDIDATES {
                return shown;
            }
        }
        compute(wanted, may_show)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_is_kept_is_filtered_and_computed_again_only_if_it_does_not_reach() {
        let computed = Cell::new(0);
        let all = |of: u32| {
            let computed = &computed;
            move |wanted: usize, may_show: &dyn Fn(u32) -> bool| -> Vec<u32> {
                computed.set(computed.get() + 1);
                (0..of).filter(|&item| may_show(item)).take(wanted).collect()
            }
        };
        let lists: PerItem<u32> = PerItem::new(2);
        let even = |item: u32| item.is_multiple_of(2);
        assert_eq!(lists.first(0, 3, &even, all(1000)), [0, 2, 4]);
        assert_eq!(lists.first(0, 3, &|item| item > 150, all(1000)), [151, 152, 153]);
        assert_eq!(computed.get(), 1, "computed once, then cached");
        assert_eq!(lists.first(0, 3, &|item| item > 158, all(1000)), [159, 160, 161], "beyond what is cached");
        assert_eq!(lists.first(0, 200, &even, all(1000)).len(), 200, "more than is cached");
        assert_eq!(computed.get(), 3);
        assert_eq!(lists.first(1, 3, &|item| item > 8, all(10)), [9], "a short list is all there is");
        assert_eq!(computed.get(), 4);
    }
}
