use super::{Signal, log_shares, of_category};
use crate::FeatureContext;
use crate::priors::HABIT_PRIOR;

/// How much the customer buys of the candidate's category, whichever item it is: the sum of their decayed purchases of
/// it per basket.
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
