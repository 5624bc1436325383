use super::{Signal, log_share};
use crate::{Ask, Model};

/// The share of the baskets with the query's category that hold the candidate's category too, shrunk towards how common
/// that is. Over a cart, the mean.
pub(super) struct CategoryCoPurchase;

const PRIOR_BASKETS: f32 = 20.0;

impl Signal for CategoryCoPurchase {
    fn name(&self) -> &'static str {
        "category_co_purchase"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        shares(model, ask, candidates, out);
        out.iter_mut().for_each(|out| *out = log_share(*out));
    }
}

/// The shares themselves; 0 where either has no category.
pub(super) fn shares(model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
    let catalogue = model.catalogue();
    out.fill(0.0);
    let mean = 1.0 / ask.items.len().max(1) as f32;
    let all = catalogue.total_baskets().max(1) as f32;
    for category in ask.items.iter().filter_map(|&query| catalogue.category(query)) {
        let whole = catalogue.category_baskets(category) as f32 + PRIOR_BASKETS;
        for (&item, out) in candidates.iter().zip(&mut *out) {
            if let Some(other) = catalogue.category(item) {
                let both = model.category_pairs().pair(category, other).map_or(0, |pair| pair.baskets);
                let usual = catalogue.category_baskets(other) as f32 / all;
                *out += mean * (both as f32 + PRIOR_BASKETS * usual) / whole;
            }
        }
    }
}
