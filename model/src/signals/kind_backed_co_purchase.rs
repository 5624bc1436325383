use super::{Signal, log_small_shares};
use crate::FeatureContext;

/// As `co_purchase`, but shrunk towards the candidate's share of the baskets with the query's category: complements of
/// other brands are complements of this one too.
pub(super) struct KindBackedCoPurchase;

impl Signal for KindBackedCoPurchase {
    fn name(&self) -> &'static str {
        "kind_backed_co_purchase"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        out.copy_from_slice(context.backed_shares());
        log_small_shares(out);
    }
}
