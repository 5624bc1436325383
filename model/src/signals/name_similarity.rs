use super::{Signal, of_first};
use crate::FeatureContext;

/// The cosine of the candidate's name and that of the item asked about, as vectors of words that weigh the more the rarer they
/// are; 0 to 1.
pub(super) struct NameSimilarity;

impl Signal for NameSimilarity {
    fn name(&self) -> &'static str {
        "name_similarity"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_first(context, out, |item, other| context.model.name_similarity(item, other));
    }
}
