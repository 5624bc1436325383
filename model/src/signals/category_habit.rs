use super::{Signal, log_share, per_category};
use crate::{Ask, Model};

/// How much the customer buys of the candidate's category, whichever item it is: the sum of their decayed purchases of
/// it per basket.
pub(super) struct CategoryHabit;

const PRIOR_BASKETS: f32 = 2.0;

impl Signal for CategoryHabit {
    fn name(&self) -> &'static str {
        "category_habit"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let Some(customer) = ask.customer else { return out.fill(0.0) };
        let whole = model.histories().decayed_baskets(customer) + PRIOR_BASKETS;
        per_category(model, ask, candidates, out, |sum, habit| sum + habit.decayed, |_, sum| log_share(sum / whole));
    }
}
