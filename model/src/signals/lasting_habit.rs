use super::{Signal, decayed_share};
use crate::Scene;

/// As `habit`, but slower to forget: a basket counts one half after [`HALF_LIFE`] days.
pub(super) struct LastingHabit;

const PRIOR_BASKETS: f32 = 2.0;

impl Signal for LastingHabit {
    fn name(&self) -> &'static str {
        "lasting_habit"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        decayed_share(scene, out, 2, PRIOR_BASKETS);
    }
}
