use super::{Evidence, Signal, log_small_share, of_items};
use crate::{Ask, Model, Scene};

/// How many of all baskets hold the item.
pub(super) struct Popularity;

impl Signal for Popularity {
    fn name(&self) -> &'static str {
        "popularity"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        of_items(scene, out, |item| log_small_share(scene.model.catalogue().popularity(item)));
    }

    fn evidence(&self, model: &Model, _ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        Some(Evidence::Popular { baskets: model.catalogue().baskets(candidate) })
    }
}
