use std::sync::OnceLock;

use super::tiers::may_show;
use super::{Limits, Recommended};
use crate::{Ask, Model};

/// What is worked out when it is first asked for, and kept: it depends on nothing but the model. Most visitors of a
/// shop are nobody in particular.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What is bought together with each item, for anybody.
    pub(super) together: ByItem<Recommended>,
    /// The alternatives to each item, for anybody.
    pub(super) alternatives: ByItem<Recommended>,
    /// The nearest neighbours of each item.
    pub(super) neighbours: ByItem<u32>,
    /// The strongest partners of each item and of its category.
    pub(super) partners: ByItem<u32>,
}

/// A list for each item.
#[derive(Debug)]
pub(super) struct ByItem<T>(Vec<OnceLock<Box<[T]>>>);

/// Items kept of an answer: the six that are wanted, and those that stand behind them when some may not be shown.
const KEPT: usize = 64;

/// Items kept of a list that candidates are taken from.
const CANDIDATES: usize = 160;

impl Kept {
    /// For so many items; nothing is worked out yet.
    pub(crate) fn new(items: usize) -> Self {
        Self {
            together: ByItem::new(items),
            alternatives: ByItem::new(items),
            neighbours: ByItem::new(items),
            partners: ByItem::new(items),
        }
    }
}

impl<T> ByItem<T> {
    fn new(items: usize) -> Self {
        Self((0..items).map(|_| OnceLock::new()).collect())
    }

    /// The list of an item.
    pub(super) fn of(&self, item: u32, work_out: impl FnOnce() -> Vec<T>) -> &[T] {
        self.0.get(item as usize).map_or(&[], |list| list.get_or_init(|| work_out().into_boxed_slice()))
    }
}

impl ByItem<u32> {
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

/// Adds the model's own tier: from what is kept, if the answer depends on nothing but the one item that is asked about
/// and what may be shown; else as `work_out` adds it. Both come to the same, but that what may not be shown makes no
/// room among the candidates here.
pub(super) fn for_anybody(
    model: &Model,
    kept: &ByItem<Recommended>,
    ask: &Ask<'_>,
    limits: &Limits<'_>,
    answer: &mut Vec<Recommended>,
    work_out: impl Fn(&Limits<'_>, &mut Vec<Recommended>),
) {
    let plain = limits.boost.is_none() && limits.pinned.is_empty() && limits.limit <= KEPT;
    if let (&[item], None, true) = (ask.items, ask.customer, plain) {
        let all = kept.of(item, || {
            let mut all = Vec::new();
            work_out(&Limits::best(KEPT), &mut all);
            all
        });
        answer.extend(all.iter().filter(|found| may_show(model, ask, limits, found.item)).take(limits.limit));
        if answer.len() == limits.limit || all.len() < KEPT {
            return;
        }
        answer.clear();
    }
    work_out(limits, answer);
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
        let lists: ByItem<u32> = ByItem::new(2);
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
