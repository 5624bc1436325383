use super::Signal;
use crate::{Ask, Model};

/// The log of how much more often the item was bought lately than over the whole period; shrunk by [`PRIOR`], a share of
/// baskets.
pub(super) struct Trend;

const PRIOR: f32 = 2e-4;

impl Signal for Trend {
    fn name(&self) -> &'static str {
        "trend"
    }

    fn fill(&self, model: &Model, _ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let catalogue = model.catalogue();
        for (&item, out) in candidates.iter().zip(out) {
            *out = ((catalogue.recent_popularity(item) + PRIOR) / (catalogue.popularity(item) + PRIOR)).ln();
        }
    }
}
