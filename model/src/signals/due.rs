use super::{Signal, cadence, of_bought};
use crate::Scene;

/// The time since the customer's last purchase of the item against their usual interval; see [`cadence`].
pub(super) struct Due;

impl Signal for Due {
    fn name(&self) -> &'static str {
        "due"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        of_bought(scene, out, |bought| {
            let habit = bought.habit;
            cadence(scene, u32::from(habit.baskets), habit.first_day, habit.last_day)
        });
    }
}
