use super::{Signal, log_small_shares, of_category};
use crate::FeatureContext;
use crate::priors::HABIT_PRIOR;

/// The customer's purchases in the category per basket, times the item's share of the category's purchases: how much of
/// the item they would buy if they bought what everybody buys.
pub(super) struct Expected;

impl Signal for Expected {
    fn name(&self) -> &'static str {
        "expected"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        let whole = context.query.customer.map_or(0.0, |customer| customer.decayed_baskets());
        of_category(context, out, |item, own| own.decayed / (whole + HABIT_PRIOR) * catalogue.share_of_category(item));
        log_small_shares(out);
    }
}
