use super::{Signal, of_partners};
use crate::Scene;

/// The log of how much oftener than by chance query and candidate are in one basket, as if [`PRIOR_BASKETS`] more had
/// been expected and found. Over a cart, the mean.
pub(super) struct Lift;

const PRIOR_BASKETS: f32 = 3.0;

impl Signal for Lift {
    fn name(&self) -> &'static str {
        "lift"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let all = scene.model.catalogue().total_baskets().max(1) as f32;
        of_partners(scene, out, |pair, query, partner| {
            ((pair.baskets as f32 + PRIOR_BASKETS) / (query * partner / all + PRIOR_BASKETS)).ln()
        });
    }
}
