use super::{Evidence, Signal, bought_before, of_history};
use crate::{Ask, Model};

/// In how many of the customer's baskets the item was, as `ln(1 + n)`.
pub(super) struct Purchases;

impl Signal for Purchases {
    fn name(&self) -> &'static str {
        "purchases"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        of_history(model, ask, candidates, out, |_, habit| f32::from(habit.baskets).ln_1p());
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        bought_before(model, ask, candidate)
    }
}
