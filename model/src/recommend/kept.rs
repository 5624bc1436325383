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
}

/// A list for each item.
#[derive(Debug)]
pub(super) struct ByItem<T>(Vec<OnceLock<Box<[T]>>>);

/// Items kept of an answer: the six that are wanted, and those that stand behind them when some may not be shown.
const KEPT: usize = 64;

impl Kept {
    /// For so many items; nothing is worked out yet.
    pub(crate) fn new(items: usize) -> Self {
        Self { together: ByItem::new(items), alternatives: ByItem::new(items), neighbours: ByItem::new(items) }
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
