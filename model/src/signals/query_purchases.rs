use super::Signal;
use crate::Scene;

/// In how many baskets the customer has had the query's item, over a cart the highest, as `ln(1 + n)`: the same for all
/// candidates, it says what other signals are worth.
pub(super) struct QueryPurchases;

impl Signal for QueryPurchases {
    fn name(&self) -> &'static str {
        "query_purchases"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let times = |customer: u32| {
            let of = |&query: &u32| scene.model.histories().habit(customer, query).map_or(0, |habit| habit.baskets);
            scene.ask.items.iter().map(of).max().unwrap_or(0)
        };
        out.fill(f32::from(scene.ask.customer.map_or(0, times)).ln_1p());
    }
}
