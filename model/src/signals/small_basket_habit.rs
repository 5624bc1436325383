use super::{Signal, decayed_share};
use crate::FeatureContext;
use crate::priors::SMALL_BASKET_PRIOR;

/// As `habit`, but a basket of n items counts 1/n: what the customer comes for when they come for little.
pub(super) struct SmallBasketHabit;

impl Signal for SmallBasketHabit {
    fn name(&self) -> &'static str {
        "small_basket_habit"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        decayed_share(context, out, 3, SMALL_BASKET_PRIOR);
    }
}
