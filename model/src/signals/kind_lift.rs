use super::{Signal, log_ratios_of};
use crate::FeatureContext;
use crate::priors::LIFT_PRIOR;

/// The log of the lift of the candidate in baskets with the query's category, with [`LIFT_PRIOR`] added to the observed
/// and the expected count. Over a cart, the mean.
pub(super) struct KindLift;

impl Signal for KindLift {
    fn name(&self) -> &'static str {
        "kind_lift"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        let all = catalogue.total_baskets().max(1) as f32;
        log_ratios_of(context.category_partners(), out, |pair| {
            let of_kind =
                catalogue.category(pair.query_item).map_or(0, |category| catalogue.category_baskets(category));
            let both = of_kind as f32 * catalogue.baskets(pair.counts.item) as f32;
            (pair.counts.baskets as f32 + LIFT_PRIOR) / (both / all + LIFT_PRIOR)
        });
    }
}
