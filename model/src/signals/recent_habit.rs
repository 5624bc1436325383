use super::{Signal, decayed_share};
use crate::FeatureContext;
use crate::priors::RECENT_HABIT_PRIOR;

/// As `habit`, with a half-life of 20 days.
pub(super) struct RecentHabit;

impl Signal for RecentHabit {
    fn name(&self) -> &'static str {
        "recent_habit"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        decayed_share(context, out, 0, RECENT_HABIT_PRIOR);
    }
}
