use super::{Signal, log_share, of_items};
use crate::Scene;

/// The item's share of the purchases of its category.
pub(super) struct CategoryShare;

impl Signal for CategoryShare {
    fn name(&self) -> &'static str {
        "category_share"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        of_items(scene, out, |item| log_share(scene.model.catalogue().share_of_category(item)));
    }
}
