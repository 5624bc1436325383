use super::{Signal, of_first};
use crate::FeatureContext;

/// The log of the candidate's unit price (per litre, kilogram or piece) divided by that of the first item of the query;
/// clamped to -2 to 2, and 0 where one is unknown.
pub(super) struct PriceRatio;

impl Signal for PriceRatio {
    fn name(&self) -> &'static str {
        "price_ratio"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_first(context, out, |item, other| {
            context.model.price_times(item, other).map_or(0.0, |times| times.ln().clamp(-2.0, 2.0))
        });
    }
}
