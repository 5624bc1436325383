use super::factor_score::FactorScore;
use super::{Signal, only_new};
use crate::FeatureContext;

/// As `taste`, but 0 for items that the customer has bought before: for these their own history is more informative.
pub(super) struct FactorScoreOfNew;

impl Signal for FactorScoreOfNew {
    fn name(&self) -> &'static str {
        "taste_for_new"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        only_new(context, out, &FactorScore);
    }
}
