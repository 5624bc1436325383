use super::taste::Taste;
use super::{Signal, only_new};
use crate::Scene;

/// As `taste`, but 0 for what the customer has bought before: there their own history says more, and taste counts less.
pub(super) struct TasteForNew;

impl Signal for TasteForNew {
    fn name(&self) -> &'static str {
        "taste_for_new"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        only_new(scene, out, &Taste);
    }
}
