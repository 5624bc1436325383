use super::{Signal, log_small_shares};
use crate::feature_context::USUAL_WEIGHT;
use crate::priors::PAIR_PRIOR;
use crate::{FeatureContext, Item};

/// The share of the baskets with the query's category that hold the candidate, with less weight for large baskets;
/// shrunk towards the candidate's popularity. Over a cart, the mean.
pub(super) struct CategoryPartner;

impl Signal for CategoryPartner {
    fn name(&self) -> &'static str {
        "category_partner"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        out.fill(0.0);
        let whole = |query_item: Item| {
            catalogue.category(query_item).map(|category| catalogue.category_baskets(category) as f32 + PAIR_PRIOR)
        };
        for pair in context.category_partners() {
            out[pair.at] += pair.weight * pair.counts.weight / whole(pair.query_item).unwrap_or(1.0);
        }
        let wholes = context.asked().iter().filter_map(|&(query_item, weight)| Some((whole(query_item)?, weight)));
        let prior: f32 = wholes.map(|(whole, weight)| weight * PAIR_PRIOR * USUAL_WEIGHT / whole).sum();
        context.add_popularity(out, prior);
        log_small_shares(out);
    }
}
