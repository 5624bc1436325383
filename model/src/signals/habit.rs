use super::{Signal, log_shares, of_bought};
use crate::Scene;

/// The share of the customer's baskets that hold the item, recent baskets counting more.
///
/// Shrunk as if the customer had [`PRIOR_BASKETS`] baskets more without it: one purchase in a first basket is not yet
/// a habit.
pub(super) struct Habitual;

/// Strength of the shrinkage, in (decayed) baskets.
const PRIOR_BASKETS: f32 = 2.0;

impl Signal for Habitual {
    fn name(&self) -> &'static str {
        "habit"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let whole = scene.ask.customer.map_or(0.0, |customer| scene.model.histories().decayed_baskets(customer));
        of_bought(scene, out, |bought| bought.habit.decayed / (whole + PRIOR_BASKETS));
        log_shares(out);
    }
}
