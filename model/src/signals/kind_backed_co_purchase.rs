use super::{Signal, USUAL_WEIGHT, add_popularity, log_small_shares};
use crate::Scene;
use crate::scene::PRIOR_BASKETS;

/// As `co_purchase`, but shrunk towards how often the candidate is in baskets with anything of the query's category: what
/// goes with other brands goes with this one too.
pub(super) struct KindBackedCoPurchase;

impl Signal for KindBackedCoPurchase {
    fn name(&self) -> &'static str {
        "kind_backed_co_purchase"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        out.copy_from_slice(scene.backed_shares());
        log_small_shares(out);
    }
}

/// The shares as if the query's item had been in `prior` baskets more that were like those of its category.
pub(crate) fn backed_shares(scene: &Scene<'_>, out: &mut [f32], prior: f32) {
    let catalogue = scene.model.catalogue();
    out.fill(0.0);
    let whole = |query: u32| catalogue.baskets(query) as f32 + prior;
    let of_kind = |query: u32| {
        catalogue.category(query).map(|category| catalogue.category_baskets(category) as f32 + PRIOR_BASKETS)
    };
    for pair in scene.partners() {
        out[pair.at] += pair.weight * pair.counts.weight / whole(pair.query);
    }
    for pair in scene.category_partners() {
        let backing = pair.weight * prior / whole(pair.query);
        out[pair.at] += backing * pair.counts.weight / of_kind(pair.query).unwrap_or(1.0);
    }
    let backing = |&(query, weight): &(u32, f32)| {
        weight * prior / whole(query) * of_kind(query).map_or(1.0, |of| PRIOR_BASKETS / of)
    };
    let popular: f32 = scene.asked().iter().map(backing).sum::<f32>() * USUAL_WEIGHT;
    add_popularity(scene, out, popular);
}
