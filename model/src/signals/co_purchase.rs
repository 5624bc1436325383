use super::{Signal, shares_of_pairs};
use crate::FeatureContext;

/// The share of the query item's baskets that also hold the candidate, a basket of n items weighted by 1/√(n-1); over a
/// cart, the mean.
///
/// Shrunk towards the candidate's popularity with [`PAIR_PRIOR`](crate::priors::PAIR_PRIOR) prior baskets: a pair seen
/// twice does not outrank one seen two hundred times.
pub(super) struct CoPurchase;

impl Signal for CoPurchase {
    fn name(&self) -> &'static str {
        "co_purchase"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        shares_of_pairs(context, out, |counts| counts.weight);
    }
}
