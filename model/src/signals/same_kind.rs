use super::{Signal, of_first};
use crate::FeatureContext;

/// 1 if the candidate is in the category of the first item of the query, and that category is not mixed; else 0.
pub(super) struct SameKind;

impl Signal for SameKind {
    fn name(&self) -> &'static str {
        "same_kind"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        of_first(context, out, |item, other| {
            let kind = catalogue.kind(item);
            f32::from(u8::from(kind.is_some() && catalogue.kind(other) == kind))
        });
    }
}
