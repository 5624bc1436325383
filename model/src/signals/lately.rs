use super::{Evidence, Signal, bought_before, of_history};
use crate::{Ask, Model};

/// How lately the customer bought the item: 1 on the last day of the period, a half [`DAYS`] before, 0 for never.
pub(super) struct Lately;

const DAYS: f32 = 30.0;

impl Signal for Lately {
    fn name(&self) -> &'static str {
        "lately"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        of_history(model, ask, candidates, out, |histories, habit| DAYS / (DAYS + histories.age(habit.last_day)));
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        bought_before(model, ask, candidate)
    }
}
