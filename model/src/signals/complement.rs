use super::Signal;
use crate::Scene;

/// Input vector of the query item · output vector of the candidate: high for items of the same baskets. Over a cart,
/// the mean of its items.
///
/// The sum that skip-gram with negative sampling learns is the log of how much oftener than by chance the two meet
/// (Levy and Goldberg 2014, section 3.1).
pub(super) struct Complement;

impl Signal for Complement {
    fn name(&self) -> &'static str {
        "complement"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let query = scene.ask.mean_vector(scene.model.input());
        scene.model.output().dots(scene.candidates, &query, out);
    }
}
