use super::{Signal, log_small_share};
use crate::{Ask, Model};

/// How many of the last weeks' baskets hold the item: the season, and what is new or gone.
pub(super) struct RecentPopularity;

impl Signal for RecentPopularity {
    fn name(&self) -> &'static str {
        "recent_popularity"
    }

    fn fill(&self, model: &Model, _ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        for (&item, out) in candidates.iter().zip(out) {
            *out = log_small_share(model.catalogue().recent_popularity(item));
        }
    }
}
