use super::Signal;
use crate::Scene;

/// Factors of the customer · factors of the item (iALS): what customers with a like history buy. About 1 for what the
/// customer surely buys, about 0 for what they surely don't.
pub(super) struct Taste;

impl Signal for Taste {
    fn name(&self) -> &'static str {
        "taste"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        out.fill(0.0);
        let Some(customer) = scene.ask.customer else { return };
        let factors = scene.model.item_factors();
        let (unit, norm) =
            (scene.model.customer_factors().unit(customer), scene.model.customer_factors().norm(customer));
        for (&item, out) in scene.candidates.iter().zip(out) {
            if (item as usize) < factors.len() {
                *out = norm * factors.dot(item, unit);
            }
        }
    }
}
