use super::{Evidence, Signal, log_small_share};
use crate::{Ask, Model};

/// How many of all baskets hold the item.
pub(super) struct Popularity;

impl Signal for Popularity {
    fn name(&self) -> &'static str {
        "popularity"
    }

    fn fill(&self, model: &Model, _ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        for (&item, out) in candidates.iter().zip(out) {
            *out = log_small_share(model.catalogue().popularity(item));
        }
    }

    fn evidence(&self, model: &Model, _ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        Some(Evidence::Popular { baskets: model.catalogue().baskets(candidate) })
    }
}
