use super::Signal;
use super::category_co_purchase::shares;
use crate::{Ask, Model};

/// The log of how much oftener than usual the candidate's category is in baskets with the query's.
pub(super) struct CategoryLift;

impl Signal for CategoryLift {
    fn name(&self) -> &'static str {
        "category_lift"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        shares(model, ask, candidates, out);
        let all = model.catalogue().total_baskets().max(1) as f32;
        for (&item, out) in candidates.iter().zip(out) {
            let usual = model.catalogue().category(item).map_or(0, |own| model.catalogue().category_baskets(own));
            *out = if *out > 0.0 && usual > 0 { (*out * all / usual as f32).ln() } else { 0.0 };
        }
    }
}
