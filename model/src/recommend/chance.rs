//! Lift: how many times more often items are bought with the query than by chance.

use crate::priors::LIFT_PRIOR;
use crate::{Item, Model, Query};

/// Observed co-purchases compared with those expected if items were bought independently.
pub(super) struct Chance<'a> {
    model: &'a Model,
    query: &'a Query<'a>,
}

impl<'a> Chance<'a> {
    pub(super) fn new(model: &'a Model, query: &'a Query<'a>) -> Self {
        Self { model, query }
    }

    /// The sum of a count over the query items.
    fn sum<T: std::iter::Sum>(&self, count: impl Fn(Item) -> T) -> T {
        self.query.items.iter().map(|&query_item| count(query_item)).sum()
    }

    /// The expected number of baskets with an item and the query items, if independent; summed over the query items.
    fn expected(&self, item: Item) -> f32 {
        let catalogue = self.model.catalogue();
        catalogue.popularity(item) * self.sum(|query_item| catalogue.baskets(query_item) as f32)
    }

    /// The lift of an item with the query, shrunk towards 1. Counts are summed over a cart.
    pub(super) fn lift(&self, item: Item) -> f32 {
        let together: u32 =
            self.sum(|query_item| self.model.co_purchases().either(query_item, item).map_or(0, |pair| pair.baskets));
        (together as f32 + LIFT_PRIOR) / (self.expected(item) + LIFT_PRIOR)
    }

    /// Whether an item is significantly less often bought with the query than by chance: the upper 90 % bound of the
    /// count is below the expected one.
    pub(super) fn is_surely_against(&self, item: Item) -> bool {
        let expected = self.expected(item);
        // The smallest upper bound, that of 0, is 2.3.
        expected > 2.3
            && upper_bound(self.sum(|query_item| self.model.co_purchases().at_most(query_item, item))) < expected
    }
}

/// The one-sided upper 90 % bound of the mean of a Poisson count (Wilson and Hilferty 1931).
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
