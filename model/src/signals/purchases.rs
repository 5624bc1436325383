use super::{Signal, of_bought};
use crate::FeatureContext;
use crate::kernel::logs;

/// Number of the customer's baskets with the item, as `ln(1 + n)`.
pub(super) struct Purchases;

impl Signal for Purchases {
    fn name(&self) -> &'static str {
        "purchases"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_bought(context, out, |bought| f32::from(bought.stats.baskets));
        logs(out, 1.0);
    }
}
