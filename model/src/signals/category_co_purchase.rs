use super::{Signal, log_shares};
use crate::FeatureContext;

/// The share of the baskets with the query's category that also hold the candidate's category, shrunk towards that
/// category's share of all baskets. Over a cart, the mean.
pub(super) struct CategoryCoPurchase;

impl Signal for CategoryCoPurchase {
    fn name(&self) -> &'static str {
        "category_co_purchase"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        out.copy_from_slice(context.category_shares());
        log_shares(out);
    }
}
