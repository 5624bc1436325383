use super::{Signal, of_category};
use crate::FeatureContext;

/// How recently the customer bought anything of the candidate's category: 1 on the last day of the period, a half
/// [`DAYS`] days before, 0 for never.
pub(super) struct CategoryRecency;

const DAYS: f32 = 30.0;

impl Signal for CategoryRecency {
    fn name(&self) -> &'static str {
        "category_lately"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_category(context, out, |_, own| DAYS / (DAYS + context.age(own.last_day)));
    }
}
