use super::{Signal, shares_of_pairs};
use crate::FeatureContext;

/// The share of the query item's baskets that hold the candidate too, each basket of n items counted as 1/√(n-1);
/// over a cart, the mean of its items' shares.
///
/// Shrunk towards the candidate's popularity, as if the query item had been in [`PAIR_PRIOR`](crate::priors::PAIR_PRIOR) baskets more that
/// were like any other: a pair seen twice does not outrank one seen two hundred times.
pub(super) struct CoPurchase;

impl Signal for CoPurchase {
    fn name(&self) -> &'static str {
        "co_purchase"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        shares_of_pairs(context, out, |counts| counts.weight);
    }
}
