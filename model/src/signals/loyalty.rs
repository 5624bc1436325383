use super::Signal;
use crate::{Ask, Model};

/// How often a buyer of the item buys it, as the log of baskets per buyer: high for staples.
pub(super) struct Loyalty;

impl Signal for Loyalty {
    fn name(&self) -> &'static str {
        "loyalty"
    }

    fn fill(&self, model: &Model, _ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        for (&item, out) in candidates.iter().zip(out) {
            let (baskets, buyers) = (model.catalogue().baskets(item), model.buyers(item));
            *out = if buyers == 0 { 0.0 } else { (baskets as f32 / buyers as f32).max(1.0).ln() };
        }
    }
}
