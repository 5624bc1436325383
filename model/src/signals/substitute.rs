use super::Signal;
use crate::FeatureContext;
use crate::kernel::dot;

/// Cosine of the input vectors of query item and candidate: high for items bought in the same contexts, as substitutes
/// are.
pub(super) struct Substitute;

impl Signal for Substitute {
    fn name(&self) -> &'static str {
        "substitute"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let input = context.model.input();
        let mut query_vector = context.query.mean_vector(input);
        let length = dot(&query_vector, &query_vector).sqrt();
        if length > 0.0 {
            query_vector.iter_mut().for_each(|x| *x /= length);
        }
        input.cosines(context.candidates, &query_vector, out);
    }
}
