use super::{Signal, log_small_shares, of_items};
use crate::FeatureContext;

/// The share of the last weeks' baskets that hold the item: shows the season, and new or discontinued items.
pub(super) struct RecentPopularity;

impl Signal for RecentPopularity {
    fn name(&self) -> &'static str {
        "recent_popularity"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_items(context, out, |item| context.model.catalogue().recent_popularity(item));
        log_small_shares(out);
    }
}
