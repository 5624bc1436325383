use super::Signal;
use crate::FeatureContext;

/// Number of the customer's baskets, as `ln(1 + n)`. It is equal for all candidates: trees use it to weigh other
/// signals.
pub(super) struct OwnBaskets;

impl Signal for OwnBaskets {
    fn name(&self) -> &'static str {
        "own_baskets"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let baskets = context.query.customer.map_or(0, |customer| customer.baskets());
        out.fill((1.0 + baskets as f32).ln());
    }
}
