use super::Signal;
use crate::FeatureContext;

/// The log of how much oftener customers accepted the candidate in the place of the item asked about than they usually accept
/// what they are given, shrunk; 0 where nobody has said so.
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
