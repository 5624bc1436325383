use super::{Evidence, Signal};
use crate::{Ask, Model, Scene};

/// 1 if the candidate is of the category of an item of the query, else 0.
pub(super) struct SameCategory;

impl Signal for SameCategory {
    fn name(&self) -> &'static str {
        "same_category"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        for (&item, out) in scene.candidates.iter().zip(out) {
            *out = f32::from(u8::from(shared(scene.model, &scene.ask, item).is_some()));
        }
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        shared(model, ask, candidate).map(|category| Evidence::SameCategory { category })
    }
}

/// The category that the item shares with an item of the query.
fn shared(model: &Model, ask: &Ask<'_>, item: u32) -> Option<u32> {
    let category = model.catalogue().category(item)?;
    ask.items.iter().any(|&query| model.catalogue().category(query) == Some(category)).then_some(category)
}
