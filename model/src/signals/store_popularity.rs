use super::{Signal, of_items};
use crate::FeatureContext;
use crate::priors::STORE_PRIOR;

/// The log of the candidate's share of the store's recent baskets divided by its share of those of all stores, with
/// [`STORE_PRIOR`] prior baskets; 0 without a store in the query.
pub(super) struct StorePopularity;

/// Shares are raised to this, so that their log is finite.
const SMALLEST: f32 = 1e-6;

impl Signal for StorePopularity {
    fn name(&self) -> &'static str {
        "store_popularity"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let Some(store) = context.query.store else { return out.fill(0.0) };
        of_items(context, out, |item| {
            let [share, usual] = context.model.stores().shares(store, item, STORE_PRIOR);
            (share.max(SMALLEST) / usual.max(SMALLEST)).ln()
        });
    }
}
