use super::{Signal, USUAL_WEIGHT, add_popularity, log_small_shares};
use crate::Scene;
use crate::scene::PRIOR_BASKETS;

/// The share of the baskets with the query's category that hold the candidate, large baskets counting less; shrunk
/// towards the candidate's popularity. Over a cart, the mean.
pub(super) struct CategoryPartner;

impl Signal for CategoryPartner {
    fn name(&self) -> &'static str {
        "category_partner"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let catalogue = scene.model.catalogue();
        out.fill(0.0);
        let whole = |query: u32| {
            catalogue.category(query).map(|category| catalogue.category_baskets(category) as f32 + PRIOR_BASKETS)
        };
        for pair in scene.category_partners() {
            out[pair.at] += pair.weight * pair.counts.weight / whole(pair.query).unwrap_or(1.0);
        }
        let wholes = scene.asked().iter().filter_map(|&(query, weight)| Some((whole(query)?, weight)));
        let prior: f32 = wholes.map(|(whole, weight)| weight * PRIOR_BASKETS * USUAL_WEIGHT / whole).sum();
        add_popularity(scene, out, prior);
        log_small_shares(out);
    }
}
