use super::{Signal, of_bought};
use crate::FeatureContext;

/// How recently the customer bought the item: 1 on the last day of the period, a half [`DAYS`] days before, 0 for
/// never.
pub(super) struct Recency;

const DAYS: f32 = 30.0;

impl Signal for Recency {
    fn name(&self) -> &'static str {
        "lately"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_bought(context, out, |bought| DAYS / (DAYS + context.age(bought.stats.last_day)));
    }
}
