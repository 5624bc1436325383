use super::{Signal, log_small_share, of_items};
use crate::Scene;

/// How many of the last weeks' baskets hold the item: the season, and what is new or gone.
pub(super) struct RecentPopularity;

impl Signal for RecentPopularity {
    fn name(&self) -> &'static str {
        "recent_popularity"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        of_items(scene, out, |item| log_small_share(scene.model.catalogue().recent_popularity(item)));
    }
}
