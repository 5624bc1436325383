use super::{Signal, shares_of_pairs};
use crate::FeatureContext;

/// As `co_purchase`, with weight 1 for every basket.
pub(super) struct CoPurchaseCount;

impl Signal for CoPurchaseCount {
    fn name(&self) -> &'static str {
        "co_purchase_count"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        shares_of_pairs(context, out, |counts| counts.baskets as f32);
    }
}
