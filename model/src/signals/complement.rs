use super::Signal;
use crate::FeatureContext;

/// Input vector of the query item · output vector of the candidate: high for items bought in the same baskets. Over a
/// cart, the mean.
///
/// Skip-gram with negative sampling learns the log of the lift of a pair, less a constant (Levy and Goldberg 2014,
/// "Neural Word Embedding as Implicit Matrix Factorization", section 3.1).
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
