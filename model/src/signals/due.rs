use super::{Signal, of_history};
use crate::{Ask, Model};

/// The time since the customer's last purchase of the item against their usual interval: 2 if it has just come round, 1
/// right after a purchase, at most [`MOST`]; 0 for an item bought less than twice.
pub(super) struct Due;

const MOST: f32 = 10.0;

/// Intervals are taken to be no shorter than this, in days.
const SHORTEST: f32 = 2.0;

impl Signal for Due {
    fn name(&self) -> &'static str {
        "due"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        of_history(model, ask, candidates, out, |histories, habit| {
            if habit.baskets < 2 {
                return 0.0;
            }
            let interval = f32::from(habit.last_day.saturating_sub(habit.first_day)) / f32::from(habit.baskets - 1);
            (1.0 + (histories.age(habit.last_day) + 1.0) / interval.max(SHORTEST)).min(MOST)
        });
    }
}
