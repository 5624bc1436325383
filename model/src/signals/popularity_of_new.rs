use super::recent_popularity::RecentPopularity;
use super::{Signal, only_new};
use crate::Scene;

/// As `recent_popularity`, but 0 for what the customer has bought before.
pub(super) struct PopularityOfNew;

impl Signal for PopularityOfNew {
    fn name(&self) -> &'static str {
        "popularity_of_new"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        only_new(scene, out, &RecentPopularity);
    }
}
