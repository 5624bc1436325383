use super::{Signal, log_shares, of_bought};
use crate::Scene;

/// How often the customer takes the candidate in a week in which it is on offer, on a logarithmic scale; 0 for what they have
/// never bought and where nothing is known of offers.
pub(super) struct TakenOnOffer;

impl Signal for TakenOnOffer {
    fn name(&self) -> &'static str {
        "taken_on_offer"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let Some(customer) = scene.ask.customer else { return out.fill(0.0) };
        of_bought(scene, out, |bought| scene.model.histories().taken_on_offer(customer, bought.position));
        log_shares(out);
    }
}
