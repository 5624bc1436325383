use super::Signal;
use super::own_co_purchase::with_query;
use crate::{Category, FeatureContext};

/// As `own_co_purchase`, for baskets with any item of the query's categories.
pub(super) struct OwnCategoryCoPurchase;

impl Signal for OwnCategoryCoPurchase {
    fn name(&self) -> &'static str {
        "own_category_co_purchase"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let catalogue = context.model.catalogue();
        let categories: Vec<Category> =
            context.query.items.iter().filter_map(|&item| catalogue.category(item)).collect();
        let items = context.query.customer.map_or(&[][..], |customer| customer.items());
        let alike: Vec<bool> =
            items.iter().map(|&item| catalogue.category(item).is_some_and(|own| categories.contains(&own))).collect();
        with_query(context, out, |basket| basket.iter().any(|&position| alike[position.index()]));
    }
}
