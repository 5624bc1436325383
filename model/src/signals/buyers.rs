use super::{Signal, of_items};
use crate::Scene;
use crate::kernel::logs;

/// How many customers have bought the item, as `ln(1 + n)`.
pub(super) struct Buyers;

impl Signal for Buyers {
    fn name(&self) -> &'static str {
        "buyers"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        of_items(scene, out, |item| scene.model.buyers(item) as f32);
        logs(out, 1.0);
    }
}
