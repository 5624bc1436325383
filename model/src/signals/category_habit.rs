use super::{Signal, log_shares, of_category};
use crate::FeatureContext;
use crate::priors::HABIT_PRIOR;

/// The customer's purchases of any item of the candidate's category per basket, both decayed.
pub(super) struct CategoryHabit;

impl Signal for CategoryHabit {
    fn name(&self) -> &'static str {
        "category_habit"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let whole = context.query.customer.map_or(0.0, |customer| customer.decayed_baskets());
        of_category(context, out, |_, own| own.decayed / (whole + HABIT_PRIOR));
        log_shares(out);
    }
}
