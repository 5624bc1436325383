use super::{Signal, cadence, of_category};
use crate::FeatureContext;

/// The time since the customer's last purchase in the candidate's category relative to their usual interval; see
/// [`cadence`].
pub(super) struct CategoryDue;

impl Signal for CategoryDue {
    fn name(&self) -> &'static str {
        "category_due"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_category(context, out, |_, own| cadence(context, own.purchases, own.first_day, own.last_day));
    }
}
