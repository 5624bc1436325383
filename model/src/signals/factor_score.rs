use super::Signal;
use crate::FeatureContext;

/// Factors of the customer · factors of the item (iALS): what customers with a like history buy. About 1 for what the
/// customer surely buys, about 0 for what they surely don't.
pub(super) struct FactorScore;

impl Signal for FactorScore {
    fn name(&self) -> &'static str {
        "taste"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        out.copy_from_slice(context.factor_scores());
    }
}
