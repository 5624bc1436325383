use super::{Evidence, Signal, bought_before, log_share, matches};
use crate::{Ask, Model};

/// The share of the customer's baskets that hold the item, recent baskets counting more.
///
/// Shrunk as if the customer had [`PRIOR_BASKETS`] baskets more without it: one purchase in a first basket is not yet
/// a habit.
pub(super) struct Habitual;

/// Strength of the shrinkage, in (decayed) baskets.
const PRIOR_BASKETS: f32 = 2.0;

impl Signal for Habitual {
    fn name(&self) -> &'static str {
        "habit"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        out.fill(0.0);
        let Some(customer) = ask.customer else { return };
        let histories = model.histories();
        let whole = histories.decayed_baskets(customer) + PRIOR_BASKETS;
        matches(
            candidates,
            histories.of(customer),
            |h| h.item,
            |at, habit| {
                out[at] = log_share(habit.decayed / whole);
            },
        );
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        bought_before(model, ask, candidate)
    }
}
