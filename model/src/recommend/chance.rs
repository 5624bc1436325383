//! How much oftener than by chance items are bought with those that are asked about.

use crate::priors::LIFT_PRIOR;
use crate::{Model, Query};

/// What is bought together, set against what would be if items were bought independently.
pub(super) struct Chance<'a> {
    model: &'a Model,
    query: &'a Query<'a>,
}

impl<'a> Chance<'a> {
    pub(super) fn new(model: &'a Model, query: &'a Query<'a>) -> Self {
        Self { model, query }
    }

    /// Of a count for an item and each of those asked about, the sum.
    fn sum<T: std::iter::Sum>(&self, count: impl Fn(u32) -> T) -> T {
        self.query.items.iter().map(|&query_item| count(query_item)).sum()
    }

    /// In how many baskets an item would be with those asked about by chance.
    fn expected(&self, item: u32) -> f32 {
        let catalogue = self.model.catalogue();
        catalogue.popularity(item) * self.sum(|query_item| catalogue.baskets(query_item) as f32)
    }

    /// The lift of an item with those asked about, shrunk towards 1. The counts over a cart are taken together.
    pub(super) fn lift(&self, item: u32) -> f32 {
        let together: u32 =
            self.sum(|query_item| self.model.co_purchases().either(query_item, item).map_or(0, |pair| pair.baskets));
        (together as f32 + LIFT_PRIOR) / (self.expected(item) + LIFT_PRIOR)
    }

    /// Whether an item is bought with those asked about surely less often than by chance: the upper 90 % bound of the count
    /// is below what chance has it.
    pub(super) fn is_surely_against(&self, item: u32) -> bool {
        let expected = self.expected(item);
        // No count has a lower bound than 0 has.
        expected > 2.3
            && upper_bound(self.sum(|query_item| self.model.co_purchases().at_most(query_item, item))) < expected
    }
}

/// The upper 90 % bound of the mean of a Poisson count (Wilson and Hilferty 1931).
fn upper_bound(count: u32) -> f32 {
    const Z: f32 = 1.2816;
    let next = count as f32 + 1.0;
    next * (1.0 - 1.0 / (9.0 * next) + Z / (3.0 * next.sqrt())).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_that_of_the_exact_interval() {
        // Half the 0.9 quantile of chi-squared with 2 (count + 1) degrees of freedom.
        for (count, exact) in [(0, 2.303), (1, 3.890), (10, 15.407), (100, 114.07)] {
            assert!((upper_bound(count) - exact).abs() < 0.02 * exact, "{count}: {}", upper_bound(count));
        }
    }
}
