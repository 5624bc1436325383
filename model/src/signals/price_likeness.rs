use super::{Signal, of_first};
use crate::FeatureContext;
use crate::amount::ratio_likeness;

/// Similarity of the unit prices (per litre, kilogram or piece): 1 if equal, 0 for a ratio of √2, -1 from a ratio of 2
/// on; 0 where one is unknown.
pub(super) struct PriceLikeness;

impl Signal for PriceLikeness {
    fn name(&self) -> &'static str {
        "price_likeness"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_first(context, out, |item, other| context.model.price_times(item, other).map_or(0.0, ratio_likeness));
    }
}
