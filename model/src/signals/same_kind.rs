use super::{Signal, of_first};
use crate::FeatureContext;

/// 1 if the candidate is of the category of the item asked about, and that is a kind of thing; else 0.
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
