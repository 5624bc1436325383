use super::{Signal, log_small_share, per_category};
use crate::{Ask, Model};

/// How much the customer buys of the category, times the item's share of its recent purchases: what they would buy of it
/// if they bought what everybody buys.
pub(super) struct Expected;

const PRIOR_BASKETS: f32 = 2.0;

impl Signal for Expected {
    fn name(&self) -> &'static str {
        "expected"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let Some(customer) = ask.customer else { return out.fill(0.0) };
        let whole = model.histories().decayed_baskets(customer) + PRIOR_BASKETS;
        per_category(
            model,
            ask,
            candidates,
            out,
            |sum, habit| sum + habit.decayed,
            |item, sum| log_small_share(sum / whole * model.catalogue().share_of_category(item)),
        );
    }
}
