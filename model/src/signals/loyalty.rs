use super::{Signal, of_items};
use crate::Scene;

/// How often a buyer of the item buys it, as the log of baskets per buyer: high for staples.
pub(super) struct Loyalty;

impl Signal for Loyalty {
    fn name(&self) -> &'static str {
        "loyalty"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        of_items(scene, out, |item| {
            let (baskets, buyers) = (scene.model.catalogue().baskets(item), scene.model.buyers(item));
            if buyers == 0 { 0.0 } else { (baskets as f32 / buyers as f32).max(1.0).ln() }
        });
    }
}
