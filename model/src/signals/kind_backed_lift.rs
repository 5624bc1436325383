use super::{Signal, log_ratios};
use crate::FeatureContext;
use crate::feature_context::USUAL_WEIGHT;
use crate::priors::PAIR_PRIOR;

/// The log of the lift of query and candidate, shrunk towards the query's category as in `kind_backed_co_purchase`,
/// with [`MORE_BASKETS`] added to the observed and the expected count. Over a cart, the lift of the mean share.
pub(super) struct KindBackedLift;

const MORE_BASKETS: f32 = 3.0;

impl Signal for KindBackedLift {
    fn name(&self) -> &'static str {
        "kind_backed_lift"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        out.copy_from_slice(context.backed_shares());
        let whole: f32 =
            context.query.items.iter().map(|&query_item| catalogue.baskets(query_item) as f32 + PAIR_PRIOR).sum();
        let more = USUAL_WEIGHT * MORE_BASKETS / whole.max(1.0);
        for (out, &item) in out.iter_mut().zip(context.candidates) {
            *out = (*out + more) / (USUAL_WEIGHT * catalogue.popularity(item) + more);
        }
        log_ratios(out);
    }
}
