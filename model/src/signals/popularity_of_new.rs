use super::recent_popularity::RecentPopularity;
use super::{Signal, only_new};
use crate::FeatureContext;

/// As `recent_popularity`, but 0 for items that the customer has bought before.
pub(super) struct PopularityOfNew;

impl Signal for PopularityOfNew {
    fn name(&self) -> &'static str {
        "popularity_of_new"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        only_new(context, out, &RecentPopularity);
    }
}
