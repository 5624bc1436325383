use super::{Evidence, Signal, bought_before, decayed_share};
use crate::{Ask, Model};

/// As `habit`, but quicker to forget: a basket counts one half after [`HALF_LIFE`] days.
pub(super) struct RecentHabit;

const HALF_LIFE: f32 = 20.0;
const PRIOR_BASKETS: f32 = 1.0;

impl Signal for RecentHabit {
    fn name(&self) -> &'static str {
        "recent_habit"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        decayed_share(model, ask, candidates, out, HALF_LIFE, PRIOR_BASKETS);
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        bought_before(model, ask, candidate)
    }
}
