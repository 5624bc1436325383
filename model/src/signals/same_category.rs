use super::{Evidence, Signal};
use crate::{Ask, Model};

/// 1 if the candidate is of the category of an item of the query, else 0.
pub(super) struct SameCategory;

impl Signal for SameCategory {
    fn name(&self) -> &'static str {
        "same_category"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        for (&item, out) in candidates.iter().zip(out) {
            *out = f32::from(u8::from(shared(model, ask, item).is_some()));
        }
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        shared(model, ask, candidate).map(|category| Evidence::SameCategory { category })
    }
}

fn shared(model: &Model, ask: &Ask<'_>, item: u32) -> Option<u32> {
    let category = model.catalogue().category(item)?;
    ask.items.iter().any(|&query| model.catalogue().category(query) == Some(category)).then_some(category)
}
