use super::Signal;
use crate::{Ask, Model};

/// How many customers have bought the item, as `ln(1 + n)`.
pub(super) struct Buyers;

impl Signal for Buyers {
    fn name(&self) -> &'static str {
        "buyers"
    }

    fn fill(&self, model: &Model, _ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        for (&item, out) in candidates.iter().zip(out) {
            *out = (model.buyers(item) as f32).ln_1p();
        }
    }
}
