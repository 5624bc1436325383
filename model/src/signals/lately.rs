use super::{Signal, of_bought};
use crate::Scene;

/// How lately the customer bought the item: 1 on the last day of the period, a half [`DAYS`] before, 0 for never.
pub(super) struct Lately;

const DAYS: f32 = 30.0;

impl Signal for Lately {
    fn name(&self) -> &'static str {
        "lately"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let histories = scene.model.histories();
        of_bought(scene, out, |bought| DAYS / (DAYS + histories.age(bought.habit.last_day)));
    }
}
