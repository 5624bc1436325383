use super::{Signal, log_ratios};
use crate::priors::LIFT_PRIOR;
use crate::{FeatureContext, Item};

/// The log of the lift of the query's category and the candidate's, with [`LIFT_PRIOR`] baskets added to the observed
/// and the expected count. Over a cart, the mean; 0 where either has no category.
pub(super) struct CategoryLift;

impl Signal for CategoryLift {
    fn name(&self) -> &'static str {
        "category_lift"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let (catalogue, pairs) = (context.model.catalogue(), context.model.category_pairs());
        out.fill(0.0);
        let all = catalogue.total_baskets().max(1) as f32;
        let mut together = vec![0u32; catalogue.categories().len()];
        for &(query_item, weight) in context.asked() {
            let Some(category) = catalogue.category(query_item) else { continue };
            let baskets = catalogue.category_baskets(category) as f32;
            pairs.of(category).for_each(|pair| together[pair.item.0 as usize] = pair.baskets);
            let ratio = |&item: &Item| {
                catalogue.category(item).map_or(1.0, |other| {
                    let by_chance = baskets * catalogue.category_baskets(other) as f32 / all;
                    (together[other.0 as usize] as f32 + LIFT_PRIOR) / (by_chance + LIFT_PRIOR)
                })
            };
            let mut logs: Vec<f32> = context.candidates.iter().map(ratio).collect();
            log_ratios(&mut logs);
            out.iter_mut().zip(logs).for_each(|(out, log)| *out += weight * log);
            pairs.partners(category).iter().for_each(|&other| together[other.0 as usize] = 0);
        }
    }
}
