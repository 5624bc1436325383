use super::{Signal, of_partners};
use crate::FeatureContext;

/// Common baskets of query and candidate against the geometric mean of their own, each as if there had been
/// [`PRIOR_BASKETS`] more. Over a cart, the mean.
pub(super) struct Cosine;

const PRIOR_BASKETS: f32 = 10.0;

impl Signal for Cosine {
    fn name(&self) -> &'static str {
        "cosine"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_partners(context, out, |pair, query_baskets, partner| {
            pair.baskets as f32 / ((query_baskets + PRIOR_BASKETS) * (partner + PRIOR_BASKETS)).sqrt()
        });
    }
}
