//! The last step: a list is more than its best items, and nothing in it is there against chance.

use std::collections::HashMap;

use super::Recommended;
use crate::{Ask, Model};

/// The length of list that `per_category` is meant for.
const SIX: usize = 6;

/// The first `wanted` of a ranking, of each category no more than the model's rules have it in a list of `limit`. Where
/// that would leave the list short, the best of the others fill it up. The order stays that of the ranking.
pub(super) fn varied(
    model: &Model,
    ranking: impl Iterator<Item = Recommended>,
    wanted: usize,
    limit: usize,
) -> Vec<Recommended> {
    let per_category = model.blends().list.per_category;
    if per_category == 0 || model.catalogue().categories().is_empty() {
        return ranking.take(wanted).collect();
    }
    let most = (per_category * limit).div_ceil(SIX);
    let mut taken: HashMap<u32, usize> = HashMap::new();
    let (mut list, mut others) = (Vec::with_capacity(wanted), Vec::new());
    for (rank, found) in ranking.enumerate() {
        if list.len() == wanted {
            break;
        }
        let of_category = model.catalogue().category(found.item).map(|category| taken.entry(category).or_default());
        match of_category {
            Some(count) if *count >= most => others.push((rank, found)),
            Some(count) => {
                *count += 1;
                list.push((rank, found));
            }
            None => list.push((rank, found)),
        }
    }
    let missing = wanted - list.len();
    list.extend(others.into_iter().take(missing));
    list.sort_unstable_by_key(|(rank, _)| *rank);
    list.into_iter().map(|(_, found)| found).collect()
}

/// What is bought with the items asked about surely less often than if it were bought independently of them.
pub(super) struct BelowChance<'a> {
    model: &'a Model,
    ask: &'a Ask<'a>,
    /// Of each item asked about the least count among its partners: no other item has been with it more often.
    least: Vec<u32>,
}

impl<'a> BelowChance<'a> {
    /// `None` if the model does not ask for it.
    pub(super) fn new(model: &'a Model, ask: &'a Ask<'a>) -> Option<Self> {
        let least = |&query: &u32| model.co_purchases().of(query).map(|pair| pair.baskets).min().unwrap_or(0);
        model.blends().list.above_chance.then(|| Self { model, ask, least: ask.items.iter().map(least).collect() })
    }

    /// Whether an item is. The counts with all items asked about are taken together, at their upper 90 % bound. What the
    /// customer has bought in one basket with any of them is not, whatever others do.
    pub(super) fn contains(&self, item: u32) -> bool {
        let (catalogue, pairs) = (self.model.catalogue(), self.model.co_purchases());
        let share = f64::from(catalogue.baskets(item)) / f64::from(catalogue.total_baskets().max(1));
        let (mut by_chance, mut together) = (0.0, 0);
        for (&query, &least) in self.ask.items.iter().zip(&self.least) {
            by_chance += share * f64::from(catalogue.baskets(query));
            let pair = pairs.pair(query, item).or_else(|| pairs.pair(item, query));
            together += pair.map_or(least, |pair| pair.baskets);
        }
        upper_bound(together) < by_chance && !self.is_together_for_the_customer(item)
    }

    fn is_together_for_the_customer(&self, item: u32) -> bool {
        let Some(customer) = self.ask.customer else { return false };
        let histories = self.model.histories();
        let position = |item: &u32| histories.items(customer).binary_search(item).ok().map(|at| at as u16);
        let Some(own) = position(&item) else { return false };
        let asked: Vec<u16> = self.ask.items.iter().filter_map(position).collect();
        let has_both = |positions: &[u16]| positions.contains(&own) && positions.iter().any(|at| asked.contains(at));
        !asked.is_empty() && histories.last_baskets(customer).any(|basket| has_both(basket.positions))
    }
}

/// The upper 90 % bound of the mean of a Poisson count (Wilson and Hilferty 1931).
fn upper_bound(count: u32) -> f64 {
    const Z: f64 = 1.2816;
    let next = f64::from(count) + 1.0;
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
