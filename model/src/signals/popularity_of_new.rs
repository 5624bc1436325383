use super::Signal;
use super::recent_popularity::RecentPopularity;
use super::taste_for_new::only_new;
use crate::{Ask, Model};

/// As `recent_popularity`, but 0 for what the customer has bought before: there their own history says more.
pub(super) struct PopularityOfNew;

impl Signal for PopularityOfNew {
    fn name(&self) -> &'static str {
        "popularity_of_new"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        only_new(model, ask, candidates, out, &RecentPopularity);
    }
}
