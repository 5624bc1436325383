use super::{Signal, log_shares, of_bought};
use crate::FeatureContext;

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

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let whole = context.query.customer.map_or(0.0, |customer| context.model.histories().decayed_baskets(customer));
        of_bought(context, out, |bought| bought.stats.decayed / (whole + PRIOR_BASKETS));
        log_shares(out);
    }
}
