use super::{Signal, log_shares, of_bought};
use crate::FeatureContext;
use crate::priors::HABIT_PRIOR;

/// The share of the customer's baskets that hold the item, recent baskets weighted more.
///
/// Shrunk with [`HABIT_PRIOR`] prior baskets without it: one purchase in a first basket is not yet a habit.
pub(super) struct Habitual;

impl Signal for Habitual {
    fn name(&self) -> &'static str {
        "habit"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let whole = context.query.customer.map_or(0.0, |customer| customer.decayed_baskets());
        of_bought(context, out, |bought| bought.stats.decayed / (whole + HABIT_PRIOR));
        log_shares(out);
    }
}
