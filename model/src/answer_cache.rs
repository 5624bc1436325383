//! Lists that depend on nothing but the model, computed when they are first asked for: answers to anonymous customers, and what
//! candidates are taken from.

use std::sync::OnceLock;

use crate::nearest::NEIGHBOURS;

/// A list of each kind per item.
#[derive(Debug)]
pub(crate) struct AnswerCache {
    /// What is bought together with each item, for anonymous customers: items with their scores, best first.
    pub(crate) together: PerItem<(u32, f32)>,
    /// The alternatives to each item, likewise.
    pub(crate) alternatives: PerItem<(u32, f32)>,
    /// The nearest neighbours of each item.
    pub(crate) neighbours: PerItem<u32>,
    /// The items most similar to each item by attributes, names and prices.
    pub(crate) alike: PerItem<u32>,
    /// The strongest partners of each item and of its category.
    pub(crate) partners: PerItem<u32>,
}

/// A list for each item.
#[derive(Debug)]
pub(crate) struct PerItem<T>(Vec<OnceLock<Box<[T]>>>);

/// Length of a cached answer: the six that are wanted, and those behind them when some may not be shown.
pub(crate) const CACHED: usize = 64;

/// Length of a cached list that candidates are taken from.
const CANDIDATES: usize = NEIGHBOURS;

impl AnswerCache {
    /// For this number of items; nothing is computed yet.
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
    /// Whether it has a list for an item.
    pub(crate) fn covers(&self, item: u32) -> bool {
        (item as usize) < self.0.len()
    }

    fn new(items: usize) -> Self {
        Self((0..items).map(|_| OnceLock::new()).collect())
    }

    /// The list of an item.
    pub(crate) fn of(&self, item: u32, compute: impl FnOnce() -> Vec<T>) -> &[T] {
        self.0.get(item as usize).map_or(&[], |list| list.get_or_init(|| compute().into_boxed_slice()))
    }
}

impl PerItem<u32> {
    /// The first `wanted` of an item's list that may be shown, as `compute` finds them. The cached list is filtered: as
    /// long as little is out of stock, nothing needs to be computed.
    pub(crate) fn first(
        &self,
        item: u32,
        wanted: usize,
        may_show: &dyn Fn(u32) -> bool,
        compute: impl Fn(usize, &dyn Fn(u32) -> bool) -> Vec<u32>,
    ) -> Vec<u32> {
        // Nothing is cached for items that nobody has bought yet.
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
