use super::{Signal, decayed_share};
use crate::FeatureContext;
use crate::priors::HABIT_PRIOR;

/// As `habit`, with a half-life of 200 days.
pub(super) struct LastingHabit;

impl Signal for LastingHabit {
    fn name(&self) -> &'static str {
        "lasting_habit"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        decayed_share(context, out, 2, HABIT_PRIOR);
    }
}
