use super::{Signal, log_small_shares};
use crate::FeatureContext;

/// Share of all baskets that hold the query's item, over a cart the mean, on the scale of `popularity`: the same for all
/// candidates, it says what other signals are worth.
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
