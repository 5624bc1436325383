use super::{Signal, of_items};
use crate::FeatureContext;

/// The log of the item's recent popularity divided by that of the whole period; shrunk by [`PRIOR`], a share of
/// baskets.
pub(super) struct Trend;

const PRIOR: f32 = 2e-4;

impl Signal for Trend {
    fn name(&self) -> &'static str {
        "trend"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        of_items(context, out, |item| {
            ((catalogue.recent_popularity(item) + PRIOR) / (catalogue.popularity(item) + PRIOR)).ln()
        });
    }
}
