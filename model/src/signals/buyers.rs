use super::{Signal, of_items};
use crate::FeatureContext;
use crate::kernel::logs;

/// Number of customers who have bought the item, as `ln(1 + n)`.
pub(super) struct Buyers;

impl Signal for Buyers {
    fn name(&self) -> &'static str {
        "buyers"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_items(context, out, |item| context.model.buyers(item) as f32);
        logs(out, 1.0);
    }
}
