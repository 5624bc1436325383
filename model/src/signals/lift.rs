use super::{Signal, log_ratios_of};
use crate::FeatureContext;

/// The log of how much oftener than by chance query and candidate are in one basket, as if [`PRIOR_BASKETS`] more had
/// been expected and found. Over a cart, the mean.
pub(super) struct Lift;

const PRIOR_BASKETS: f32 = 3.0;

impl Signal for Lift {
    fn name(&self) -> &'static str {
        "lift"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        let all = catalogue.total_baskets().max(1) as f32;
        log_ratios_of(context.partners(), out, |pair| {
            let both = catalogue.baskets(pair.query_item) as f32 * catalogue.baskets(pair.counts.item) as f32;
            (pair.counts.baskets as f32 + PRIOR_BASKETS) / (both / all + PRIOR_BASKETS)
        });
    }
}
