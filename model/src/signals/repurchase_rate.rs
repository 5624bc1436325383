use super::{Signal, of_items};
use crate::FeatureContext;

/// The log of the item's baskets per buyer: high for staples.
pub(super) struct RepurchaseRate;

impl Signal for RepurchaseRate {
    fn name(&self) -> &'static str {
        "loyalty"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_items(context, out, |item| {
            let (baskets, buyers) = (context.model.catalogue().baskets(item), context.model.buyers(item));
            if buyers == 0 { 0.0 } else { (baskets as f32 / buyers as f32).max(1.0).ln() }
        });
    }
}
