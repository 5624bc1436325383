use super::Signal;
use crate::Scene;

/// How many baskets the customer has had, as `ln(1 + n)`: the same for all candidates, it says what other signals are
/// worth.
pub(super) struct OwnBaskets;

impl Signal for OwnBaskets {
    fn name(&self) -> &'static str {
        "own_baskets"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let baskets = scene.ask.customer.map_or(0, |customer| scene.model.histories().baskets(customer));
        out.fill((1.0 + baskets as f32).ln());
    }
}
