use super::{Evidence, Signal, bought_before, log_share, of_last_baskets};
use crate::{Ask, Model};

/// As `habit`, but a basket of n items counts 1/n: what the customer comes for when they come for little.
pub(super) struct SmallBasketHabit;

const HALF_LIFE: f32 = 75.0;
const PRIOR_BASKETS: f32 = 0.5;

impl Signal for SmallBasketHabit {
    fn name(&self) -> &'static str {
        "small_basket_habit"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        of_last_baskets(
            model,
            ask,
            candidates,
            out,
            |basket| (-basket.age / HALF_LIFE).exp2() / basket.positions.len().max(1) as f32,
            |sum, all| log_share(sum / (all + PRIOR_BASKETS)),
        );
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        bought_before(model, ask, candidate)
    }
}
