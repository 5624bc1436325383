use super::Signal;
use crate::FeatureContext;

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

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let query_vector = context.query.mean_vector(context.model.input());
        context.model.output().dots(context.candidates, &query_vector, out);
    }
}
