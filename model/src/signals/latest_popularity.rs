use super::{Signal, log_small_shares, of_items};
use crate::FeatureContext;

/// As `recent_popularity`, over the last half of the recent days: responds faster to seasons and promotions.
pub(super) struct LatestPopularity;

impl Signal for LatestPopularity {
    fn name(&self) -> &'static str {
        "latest_popularity"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_items(context, out, |item| context.model.catalogue().latest_popularity(item));
        log_small_shares(out);
    }
}
