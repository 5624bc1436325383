use super::Signal;
use crate::FeatureContext;

/// Factors of the customer · factors of the item (iALS): the purchases of customers with a similar history. About 1 for
/// items that the customer almost surely buys, about 0 for those they almost surely do not.
pub(super) struct FactorScore;

impl Signal for FactorScore {
    fn name(&self) -> &'static str {
        "taste"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        out.copy_from_slice(context.factor_scores());
    }
}
