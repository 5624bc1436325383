use super::{Signal, log_small_share, matches};
use crate::{Ask, Model};

/// The share of the baskets with the query's category that hold the candidate, large baskets counting less; shrunk
/// towards the candidate's popularity. Over a cart, the mean.
pub(super) struct CategoryPartner;

const PRIOR_BASKETS: f32 = 20.0;

/// As in `backed_co_purchase`.
const USUAL_WEIGHT: f32 = 0.35;

impl Signal for CategoryPartner {
    fn name(&self) -> &'static str {
        "category_partner"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let catalogue = model.catalogue();
        out.fill(0.0);
        let (mean, mut prior) = (1.0 / ask.items.len().max(1) as f32, 0.0);
        for category in ask.items.iter().filter_map(|&query| catalogue.category(query)) {
            let whole = catalogue.category_baskets(category) as f32 + PRIOR_BASKETS;
            prior += mean * PRIOR_BASKETS * USUAL_WEIGHT / whole;
            let partners = model.category_partners().of(category);
            matches(candidates, partners, |pair| pair.item, |at, pair| out[at] += mean * pair.weight / whole);
        }
        for (&item, out) in candidates.iter().zip(out) {
            *out = log_small_share(*out + prior * catalogue.popularity(item));
        }
    }
}
