use super::{Signal, of_items};
use crate::FeatureContext;
use crate::priors::STORE_PRIOR;

/// The log of how much oftener the candidate is in a basket of the store than in any of the market's last ones, as if
/// [`STORE_PRIOR`] more had been like any other; 0 where no store is asked for.
pub(super) struct StorePopularity;

/// A share that is as good as nothing.
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
