use super::Signal;
use super::own_co_purchase::with_query;
use crate::{Ask, Model};

/// As `own_co_purchase`, of baskets that hold anything of the query's category.
pub(super) struct OwnCategoryCoPurchase;

impl Signal for OwnCategoryCoPurchase {
    fn name(&self) -> &'static str {
        "own_category_co_purchase"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let catalogue = model.catalogue();
        let categories: Vec<u32> = ask.items.iter().filter_map(|&item| catalogue.category(item)).collect();
        let items = ask.customer.map_or(&[][..], |customer| model.histories().items(customer));
        let alike: Vec<bool> =
            items.iter().map(|&item| catalogue.category(item).is_some_and(|own| categories.contains(&own))).collect();
        with_query(model, ask, candidates, out, |at| alike[at]);
    }
}
