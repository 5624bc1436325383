//! Cached lists that depend only on the model, computed on first use: answers to anonymous customers, and sources of
//! candidates.

use std::sync::OnceLock;

use crate::item::Item;
use crate::nearest::NEIGHBOURS;

/// One cache per kind of list.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    /// Items bought together with each item, for anonymous customers: items with their scores, best first.
    pub(crate) together: PerItem<(Item, f32)>,
    /// The alternatives to each item, likewise.
    pub(crate) alternatives: PerItem<(Item, f32)>,
    /// The nearest neighbours of each item.
    pub(crate) neighbours: PerItem<Item>,
    /// The most similar items by attributes, names and prices.
    pub(crate) alike: PerItem<Item>,
    /// The strongest partners of each item and of its category.
    pub(crate) partners: PerItem<Item>,
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
    pub(crate) fn covers(&self, item: Item) -> bool {
        item.index() < self.0.len()
    }

    fn new(items: usize) -> Self {
        Self((0..items).map(|_| OnceLock::new()).collect())
    }

    /// The list of an item, computed on first use; empty for an item beyond the table.
    pub(crate) fn of(&self, item: Item, compute: impl FnOnce() -> Vec<T>) -> &[T] {
        self.0.get(item.index()).map_or(&[], |list| list.get_or_init(|| compute().into_boxed_slice()))
    }
}

impl PerItem<Item> {
    /// The first `wanted` items of a list that pass the filter, as `compute` finds them. The cached list is filtered,
    /// so nothing is computed as long as few items are filtered.
    pub(crate) fn first(
        &self,
        item: Item,
        wanted: usize,
        may_show: &dyn Fn(Item) -> bool,
        compute: impl Fn(usize, &dyn Fn(Item) -> bool) -> Vec<Item>,
    ) -> Vec<Item> {
        // Items that were never bought have no cached lists.
        if wanted <= CANDIDATES && item.index() < self.0.len() {
            let all = self.of(item, || compute(CANDIDATES, &|_| true));
            let shown: Vec<Item> = all.iter().copied().filter(|&other| may_show(other)).take(wanted).collect();
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
            move |wanted: usize, may_show: &dyn Fn(Item) -> bool| -> Vec<Item> {
                computed.set(computed.get() + 1);
                (0..of).map(Item).filter(|&item| may_show(item)).take(wanted).collect()
            }
        };
        let lists: PerItem<Item> = PerItem::new(2);
        let even = |item: Item| item.0.is_multiple_of(2);
        assert_eq!(lists.first(Item(0), 3, &even, all(1000)), [0, 2, 4].map(Item));
        assert_eq!(lists.first(Item(0), 3, &|item| item > Item(150), all(1000)), [151, 152, 153].map(Item));
        assert_eq!(computed.get(), 1, "computed once, then cached");
        assert_eq!(
            lists.first(Item(0), 3, &|item| item > Item(158), all(1000)),
            [159, 160, 161].map(Item),
            "beyond what is cached"
        );
        assert_eq!(lists.first(Item(0), 200, &even, all(1000)).len(), 200, "more than is cached");
        assert_eq!(computed.get(), 3);
        assert_eq!(lists.first(Item(1), 3, &|item| item > Item(8), all(10)), [Item(9)], "a short list is all there is");
        assert_eq!(computed.get(), 4);
    }
}
