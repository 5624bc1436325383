use super::{Signal, of_items};
use crate::Scene;

/// How many customers have bought the item, as `ln(1 + n)`.
pub(super) struct Buyers;

impl Signal for Buyers {
    fn name(&self) -> &'static str {
        "buyers"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        of_items(scene, out, |item| (1.0 + scene.model.buyers(item) as f32).ln());
    }
}
