use super::{Signal, log_small_share, matches};
use crate::{Ask, Model};

/// As `co_purchase`, but every basket counts as one, however large it is.
pub(super) struct CoPurchaseCount;

const PRIOR_BASKETS: f32 = 20.0;

impl Signal for CoPurchaseCount {
    fn name(&self) -> &'static str {
        "co_purchase_count"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        out.fill(0.0);
        let catalogue = model.catalogue();
        let (mean, mut prior) = (1.0 / ask.items.len().max(1) as f32, 0.0);
        for &query in ask.items {
            let whole = catalogue.baskets(query) as f32 + PRIOR_BASKETS;
            prior += mean * PRIOR_BASKETS / whole;
            let partners = model.co_purchases().of(query);
            matches(candidates, partners, |pair| pair.item, |at, pair| out[at] += mean * pair.baskets as f32 / whole);
        }
        for (&item, out) in candidates.iter().zip(out) {
            *out = if ask.items.is_empty() { 0.0 } else { log_small_share(*out + prior * catalogue.popularity(item)) };
        }
    }
}
