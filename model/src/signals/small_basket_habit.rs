use super::{Signal, decayed_share};
use crate::FeatureContext;
use crate::priors::SMALL_BASKET_PRIOR;

/// As `habit`, with an additional weight of 1/n for a basket of n items: what the customer buys on small trips.
pub(super) struct SmallBasketHabit;

impl Signal for SmallBasketHabit {
    fn name(&self) -> &'static str {
        "small_basket_habit"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        decayed_share(context, out, 3, SMALL_BASKET_PRIOR);
    }
}
