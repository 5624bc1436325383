use super::{Signal, of_bought};
use crate::Scene;
use crate::kernel::logs;

/// In how many of the customer's baskets the item was, as `ln(1 + n)`.
pub(super) struct Purchases;

impl Signal for Purchases {
    fn name(&self) -> &'static str {
        "purchases"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        of_bought(scene, out, |bought| f32::from(bought.habit.baskets));
        logs(out, 1.0);
    }
}
