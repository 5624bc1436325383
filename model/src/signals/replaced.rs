use super::Signal;
use crate::FeatureContext;

/// The log of how much more often customers accepted the candidate as a replacement of the query item than they accept
/// replacements in general, shrunk; 0 without such feedback.
pub(super) struct Replaced;

impl Signal for Replaced {
    fn name(&self) -> &'static str {
        "replaced"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        out.fill(0.0);
        for &(item, log) in context.query.replacements {
            if let Ok(at) = context.candidates.binary_search(&item) {
                out[at] = log;
            }
        }
    }
}
