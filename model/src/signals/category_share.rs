use super::{Signal, log_shares, of_items};
use crate::FeatureContext;

/// The item's share of the purchases of its category.
pub(super) struct CategoryShare;

impl Signal for CategoryShare {
    fn name(&self) -> &'static str {
        "category_share"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_items(context, out, |item| context.model.catalogue().share_of_category(item));
        log_shares(out);
    }
}
