use super::{Signal, log_ratios};
use crate::FeatureContext;
use crate::feature_context::USUAL_WEIGHT;
use crate::priors::PAIR_PRIOR;

/// The log of how much oftener than by chance query and candidate are in one basket, backed by the query's category as in
/// `kind_backed_co_purchase`, and as if [`MORE_BASKETS`] more had been expected and found. Over a cart, of the mean share.
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
