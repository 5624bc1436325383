use super::{Signal, log_small_shares};
use crate::FeatureContext;

/// The share of all baskets that hold the query item, over a cart the mean, on the scale of `popularity`. It is equal
/// for all candidates: trees use it to weigh other signals.
pub(super) struct QueryPopularity;

impl Signal for QueryPopularity {
    fn name(&self) -> &'static str {
        "query_popularity"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let popularity = context.query.items.iter().map(|&query_item| context.model.catalogue().popularity(query_item));
        out.fill(popularity.sum::<f32>() / context.query.items.len().max(1) as f32);
        log_small_shares(out);
    }
}
