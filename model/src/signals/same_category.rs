use super::Signal;
use crate::Scene;

/// 1 if the candidate is of the category of an item of the query, else 0.
pub(super) struct SameCategory;

impl Signal for SameCategory {
    fn name(&self) -> &'static str {
        "same_category"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let catalogue = scene.model.catalogue();
        let asked: Vec<u32> = scene.ask.items.iter().filter_map(|&query| catalogue.category(query)).collect();
        for (&item, out) in scene.candidates.iter().zip(out) {
            *out = f32::from(u8::from(catalogue.category(item).is_some_and(|category| asked.contains(&category))));
        }
    }
}
