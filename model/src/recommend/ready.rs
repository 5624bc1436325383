use std::sync::OnceLock;

use super::tiers::may_show;
use super::{Limits, Recommended};
use crate::{Ask, Model};

/// Items kept of an answer: the six that are wanted, and those that stand behind them when some may not be shown.
const KEPT: usize = 64;

/// What the model answers to anybody about one item, worked out when it is first asked for. Most visitors of a shop are
/// nobody in particular, and the answer to them depends on nothing but the model.
#[derive(Debug)]
pub(crate) struct Ready(Vec<OnceLock<Box<[Recommended]>>>);

impl Ready {
    pub(crate) fn new(items: usize) -> Self {
        Self((0..items).map(|_| OnceLock::new()).collect())
    }
}

/// Whether an answer depends on nothing but the one item that is asked about, and what may be shown.
pub(super) fn is_for_anybody(ask: &Ask<'_>, limits: &Limits<'_>) -> bool {
    ask.customer.is_none()
        && ask.items.len() == 1
        && limits.boost.is_none()
        && limits.pinned.is_empty()
        && limits.limit <= KEPT
}

/// The best of the model's own tier for anybody: the same as without this shortcut. `None` if what is kept does not tell.
pub(super) fn ready(
    model: &Model,
    ready: &Ready,
    ask: &Ask<'_>,
    limits: &Limits<'_>,
    work_out: impl FnOnce(&Limits<'_>) -> Vec<Recommended>,
) -> Option<Vec<Recommended>> {
    let all = ready.0.get(*ask.items.first()? as usize)?;
    let all = all.get_or_init(|| work_out(&Limits::best(KEPT)).into_boxed_slice());
    let shown = all.iter().filter(|found| may_show(model, ask, limits, found.item)).take(limits.limit);
    let shown: Vec<Recommended> = shown.copied().collect();
    (shown.len() == limits.limit || all.len() < KEPT).then_some(shown)
}
