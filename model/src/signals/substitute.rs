use super::Signal;
use crate::Scene;
use crate::kernel::dot;

/// Cosine of the input vectors of query item and candidate: high for items that are bought in the same company, as
/// those are that stand in for each other.
pub(super) struct Substitute;

impl Signal for Substitute {
    fn name(&self) -> &'static str {
        "substitute"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let input = scene.model.input();
        let mut query = scene.ask.mean_vector(input);
        let length = dot(&query, &query).sqrt();
        if length > 0.0 {
            query.iter_mut().for_each(|x| *x /= length);
        }
        input.cosines(scene.candidates, &query, out);
    }
}
