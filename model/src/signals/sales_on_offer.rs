use super::{Signal, of_items};
use crate::FeatureContext;
use crate::kernel::logs;

/// Baskets `n` with the candidate per week in which it is on offer, as `ln(1 + 50 n)`; 0 without data on offers.
pub(super) struct SalesOnOffer;

impl Signal for SalesOnOffer {
    fn name(&self) -> &'static str {
        "sales_on_offer"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_items(context, out, |item| context.model.catalogue().sales_on_offer(item));
        logs(out, 50.0);
    }
}
