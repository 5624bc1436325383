use super::Signal;
use crate::Scene;

/// The log of how much oftener than by chance the query's category and the candidate's are in one basket, as if
/// [`PRIOR_BASKETS`] more had been expected and found. Over a cart, the mean; 0 where either has no category.
pub(super) struct CategoryLift;

const PRIOR_BASKETS: f32 = 3.0;

impl Signal for CategoryLift {
    fn name(&self) -> &'static str {
        "category_lift"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let (catalogue, pairs) = (scene.model.catalogue(), scene.model.category_pairs());
        out.fill(0.0);
        let all = catalogue.total_baskets().max(1) as f32;
        for &(query, weight) in scene.asked() {
            let Some(category) = catalogue.category(query) else { continue };
            let baskets = catalogue.category_baskets(category) as f32;
            let lift = |both: u32, other: u32| {
                let by_chance = baskets * catalogue.category_baskets(other) as f32 / all;
                ((both as f32 + PRIOR_BASKETS) / (by_chance + PRIOR_BASKETS)).ln()
            };
            let mut lifts: Vec<f32> = (0..catalogue.categories().len() as u32).map(|other| lift(0, other)).collect();
            pairs.of(category).for_each(|pair| lifts[pair.item as usize] = lift(pair.baskets, pair.item));
            for (&item, out) in scene.candidates.iter().zip(out.iter_mut()) {
                *out += catalogue.category(item).map_or(0.0, |other| weight * lifts[other as usize]);
            }
        }
    }
}
