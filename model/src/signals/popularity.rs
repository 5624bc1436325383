use super::{Signal, log_small_shares, of_items};
use crate::FeatureContext;

/// The share of all baskets that hold the item.
pub(super) struct Popularity;

impl Signal for Popularity {
    fn name(&self) -> &'static str {
        "popularity"
    }

    fn is_of_items(&self) -> bool {
        true
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_items(context, out, |item| context.model.catalogue().popularity(item));
        log_small_shares(out);
    }
}
