use super::{Signal, of_first};
use crate::FeatureContext;

/// The log of how many times as dear the candidate is as the item asked about, by the litre, kilogram or piece; from -2 to 2, and
/// 0 where that is not known.
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
