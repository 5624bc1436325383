use super::Signal;
use crate::{FeatureContext, Item, Profile};

/// Number of the customer's baskets with the query item, over a cart the maximum, as `ln(1 + n)`. It is equal for all
/// candidates: trees use it to weigh other signals.
pub(super) struct QueryPurchases;

impl Signal for QueryPurchases {
    fn name(&self) -> &'static str {
        "query_purchases"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let times = |customer: Profile<'_>| {
            let of = |&query_item: &Item| customer.stats_of(query_item).map_or(0, |stats| stats.baskets);
            context.query.items.iter().map(of).max().unwrap_or(0)
        };
        out.fill(f32::from(context.query.customer.map_or(0, times)).ln_1p());
    }
}
