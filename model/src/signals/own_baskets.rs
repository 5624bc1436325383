use super::Signal;
use crate::FeatureContext;

/// How many baskets the customer has had, as `ln(1 + n)`: the same for all candidates, it says what other signals are
/// worth.
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
