use super::{Signal, of_partners};
use crate::FeatureContext;
use crate::priors::COSINE_PRIOR;

/// Common baskets of query item and candidate, divided by the geometric mean of the baskets of each, both plus
/// [`COSINE_PRIOR`]. Over a cart, the mean.
pub(super) struct Cosine;

impl Signal for Cosine {
    fn name(&self) -> &'static str {
        "cosine"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_partners(context, out, |pair, query_baskets, partner| {
            pair.baskets as f32 / ((query_baskets + COSINE_PRIOR) * (partner + COSINE_PRIOR)).sqrt()
        });
    }
}
