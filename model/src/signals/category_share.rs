use super::{Signal, log_share};
use crate::{Ask, Model};

/// The item's share of the purchases of its category.
pub(super) struct CategoryShare;

impl Signal for CategoryShare {
    fn name(&self) -> &'static str {
        "category_share"
    }

    fn fill(&self, model: &Model, _ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        for (&item, out) in candidates.iter().zip(out) {
            *out = log_share(model.catalogue().share_of_category(item));
        }
    }
}
