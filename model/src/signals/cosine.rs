use super::{Signal, of_partners};
use crate::FeatureContext;
use crate::priors::COSINE_PRIOR;

/// Common baskets of query and candidate against the geometric mean of their own, each as if there had been
/// [`COSINE_PRIOR`] more. Over a cart, the mean.
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
