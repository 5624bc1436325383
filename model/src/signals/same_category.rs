use super::Signal;
use crate::{Category, FeatureContext};

/// 1 if the candidate is in the category of a query item, else 0.
pub(super) struct SameCategory;

impl Signal for SameCategory {
    fn name(&self) -> &'static str {
        "same_category"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        let asked: Vec<Category> =
            context.query.items.iter().filter_map(|&query_item| catalogue.category(query_item)).collect();
        for (&item, out) in context.candidates.iter().zip(out) {
            *out = f32::from(u8::from(catalogue.category(item).is_some_and(|category| asked.contains(&category))));
        }
    }
}
