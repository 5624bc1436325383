use super::Signal;
use crate::FeatureContext;

/// Cosine of the factors of the candidate and the first item of the query: high for items that the same customers buy,
/// even if seldom in one basket.
pub(super) struct SameCustomers;

impl Signal for SameCustomers {
    fn name(&self) -> &'static str {
        "same_customers"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let factors = context.model.item_factors();
        match context.query.items.first().filter(|&&item| item.index() < factors.len()) {
            Some(&item) => factors.cosines(context.candidates, factors.unit(item.0), out),
            None => out.fill(0.0),
        }
    }
}
