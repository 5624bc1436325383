use super::{Signal, log_ratios_of};
use crate::FeatureContext;
use crate::priors::LIFT_PRIOR;

/// The log of the lift of query item and candidate, with [`LIFT_PRIOR`] baskets added to the observed and the expected
/// count. Over a cart, the mean.
pub(super) struct Lift;

impl Signal for Lift {
    fn name(&self) -> &'static str {
        "lift"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        let all = catalogue.total_baskets().max(1) as f32;
        log_ratios_of(context.partners(), out, |pair| {
            let both = catalogue.baskets(pair.query_item) as f32 * catalogue.baskets(pair.counts.item) as f32;
            (pair.counts.baskets as f32 + LIFT_PRIOR) / (both / all + LIFT_PRIOR)
        });
    }
}
