use super::Signal;
use crate::{FeatureContext, Profile};

/// In how many baskets the customer has had the query's item, over a cart the highest, as `ln(1 + n)`: the same for all
/// candidates, it says what other signals are worth.
pub(super) struct QueryPurchases;

impl Signal for QueryPurchases {
    fn name(&self) -> &'static str {
        "query_purchases"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let times = |customer: Profile<'_>| {
            let of = |&query_item: &u32| customer.stats_of(query_item).map_or(0, |stats| stats.baskets);
            context.query.items.iter().map(of).max().unwrap_or(0)
        };
        out.fill(f32::from(context.query.customer.map_or(0, times)).ln_1p());
    }
}
