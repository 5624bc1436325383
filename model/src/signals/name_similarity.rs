use super::{Signal, of_first};
use crate::FeatureContext;

/// The cosine of the names of the candidate and the first item of the query, as vectors of words with a higher weight
/// for rare words; 0 to 1.
pub(super) struct NameSimilarity;

impl Signal for NameSimilarity {
    fn name(&self) -> &'static str {
        "name_similarity"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_first(context, out, |item, other| context.model.name_similarity(item, other));
    }
}
