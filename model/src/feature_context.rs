//! The inputs of signals.

use std::cell::OnceCell;

use crate::co_purchases::Partner;
use crate::item_stats::ItemStats;
use crate::priors::PAIR_PRIOR;
use crate::profile::{LastBasket, Position};
use crate::{Item, Model, Profile, Query};

/// A query with its candidates, and intermediate results that several signals share; each is computed on first use.
#[derive(Debug)]
pub struct FeatureContext<'a> {
    /// The model.
    pub model: &'a Model,
    /// The query.
    pub query: Query<'a>,
    /// Item numbers, strictly ascending.
    pub candidates: &'a [Item],
    asked: OnceCell<Vec<(Item, f32)>>,
    bought: OnceCell<Vec<Bought>>,
    weights: OnceCell<Vec<[f32; WAYS]>>,
    weighed: OnceCell<Weighed>,
    partners: OnceCell<Vec<Pair>>,
    category_partners: OnceCell<Vec<Pair>>,
    category_shares: OnceCell<Vec<f32>>,
    backed_shares: OnceCell<Vec<f32>>,
    categories: OnceCell<Vec<OfCategory>>,
    factor_scores: OnceCell<Vec<f32>>,
}

/// A candidate that the customer has bought before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bought {
    /// Its index in `candidates`.
    pub(crate) at: usize,
    /// Its position in the customer's history.
    pub(crate) position: usize,
    /// Its statistics in the history.
    pub(crate) stats: ItemStats,
}

/// A candidate that is a partner of a query item or of its category.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// Its index in `candidates`.
    pub(crate) at: usize,
    /// The query item.
    pub(crate) query_item: Item,
    /// Its weight in the mean over a cart.
    pub(crate) weight: f32,
    /// The counts of the pair.
    pub(crate) counts: Partner,
}

/// The customer's purchases in a candidate's category.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct OfCategory {
    /// The sum of the decayed purchases.
    pub(crate) decayed: f32,
    /// Number of purchases, each item of a basket counted once.
    pub(crate) purchases: u32,
    /// The first day of a purchase.
    pub(crate) first_day: u16,
    /// The last day of a purchase.
    pub(crate) last_day: u16,
}

/// Weighted sums over the customer's last baskets, with each of the four weightings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weighed {
    /// The sum over the baskets that hold each item of the history.
    pub(crate) sums: Vec<[f32; WAYS]>,
    /// The sum over all.
    pub(crate) all: [f32; WAYS],
}

/// Half-lives of a basket's weight, in days. The fourth weighting is the second divided by the number of items in the
/// basket.
pub(crate) const HALF_LIVES: [f32; 3] = [20.0, 75.0, 200.0];

const WAYS: usize = 4;

impl<'a> FeatureContext<'a> {
    /// A context in which nothing is computed yet. The candidates must be strictly ascending.
    pub fn new(model: &'a Model, query: Query<'a>, candidates: &'a [Item]) -> Self {
        Self {
            model,
            query,
            candidates,
            asked: OnceCell::new(),
            bought: OnceCell::new(),
            weights: OnceCell::new(),
            weighed: OnceCell::new(),
            partners: OnceCell::new(),
            category_partners: OnceCell::new(),
            category_shares: OnceCell::new(),
            backed_shares: OnceCell::new(),
            categories: OnceCell::new(),
            factor_scores: OnceCell::new(),
        }
    }

    /// The query items, each with its weight in the mean over a cart.
    pub(crate) fn asked(&self) -> &[(Item, f32)] {
        self.asked.get_or_init(|| self.query.items.iter().copied().zip(self.query.weights()).collect())
    }

    /// The candidates that the customer has bought before.
    pub(crate) fn bought(&self) -> &[Bought] {
        self.bought.get_or_init(|| {
            let Some(customer) = self.query.customer else { return Vec::new() };
            let mut bought = Vec::new();
            matches(self.candidates, customer.items(), |at, position| {
                bought.push(Bought { at, position, stats: customer.at(position) });
            });
            bought
        })
    }

    /// Age of a day in days for the customer, from 0; 0 without a customer.
    pub(crate) fn age(&self, day: u16) -> f32 {
        self.query.customer.map_or(0.0, |customer| customer.age(day))
    }

    /// The sums over all of the customer's last baskets; empty without a customer.
    pub(crate) fn weighed(&self) -> &Weighed {
        self.weighed.get_or_init(|| {
            let Some(customer) = self.query.customer else { return Weighed::default() };
            self.weigh(&customer, |_| true)
        })
    }

    /// The weights of each of the last baskets.
    fn weights(&self, customer: &Profile<'_>) -> &[[f32; WAYS]] {
        self.weights.get_or_init(|| {
            let of_basket = |basket: LastBasket<'_>| {
                let [short, usual, long] = HALF_LIVES.map(|half_life| (-basket.age / half_life).exp2());
                [short, usual, long, usual / basket.positions.len().max(1) as f32]
            };
            customer.last_baskets().map(of_basket).collect()
        })
    }

    /// The sums over the last baskets selected by `counts`, which receives the positions of a basket's items in the
    /// history.
    pub(crate) fn weigh(&self, customer: &Profile<'_>, counts: impl Fn(&[Position]) -> bool) -> Weighed {
        let mut sums = vec![[0.0; WAYS]; customer.items().len()];
        let mut all = [0.0; WAYS];
        let weighed = customer.last_baskets().zip(self.weights(customer));
        for (basket, weights) in weighed.filter(|(basket, _)| counts(basket.positions)) {
            (0..WAYS).for_each(|way| all[way] += weights[way]);
            for &position in basket.positions {
                let sum = &mut sums[position.index()];
                (0..WAYS).for_each(|way| sum[way] += weights[way]);
            }
        }
        Weighed { sums, all }
    }

    /// The candidates that are partners of query items, item by item.
    pub(crate) fn partners(&self) -> &[Pair] {
        self.partners.get_or_init(|| {
            let co_purchases = self.model.co_purchases();
            self.pairs(
                |query_item| Some((co_purchases.partners(query_item), query_item)),
                |query_item, nth| co_purchases.nth(query_item, nth),
            )
        })
    }

    /// The candidates that are partners of the categories of query items, item by item.
    pub(crate) fn category_partners(&self) -> &[Pair] {
        self.category_partners.get_or_init(|| {
            let partners = self.model.category_partners();
            let category = |query_item| self.model.catalogue().category(query_item);
            self.pairs(
                |query_item| category(query_item).map(|category| (partners.partners(category), category)),
                |category, nth| partners.nth(category, nth),
            )
        })
    }

    fn pairs<Row: Copy>(
        &self,
        list: impl Fn(Item) -> Option<(&'a [Item], Row)>,
        nth: impl Fn(Row, usize) -> Partner,
    ) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for &(query_item, weight) in self.asked() {
            let Some((partners, row)) = list(query_item) else { continue };
            matches(self.candidates, partners, |at, place| {
                pairs.push(Pair { at, query_item, weight, counts: nth(row, place) });
            });
        }
        pairs
    }

    /// For each candidate, the share of the baskets with the query's category that hold its own category, shrunk
    /// towards that category's share of all baskets with [`PAIR_PRIOR`] prior baskets; over a cart, the mean. 0 where
    /// either has no category.
    pub(crate) fn category_shares(&self) -> &[f32] {
        self.category_shares.get_or_init(|| {
            let (catalogue, pairs) = (self.model.catalogue(), self.model.category_pairs());
            let mut shares = vec![0.0; self.candidates.len()];
            let all = catalogue.total_baskets().max(1) as f32;
            let mut both = vec![0u32; catalogue.categories().len()];
            for &(query_item, weight) in self.asked() {
                let Some(category) = catalogue.category(query_item) else { continue };
                let whole = catalogue.category_baskets(category) as f32 + PAIR_PRIOR;
                pairs.of(category).for_each(|pair| both[pair.item.0 as usize] = pair.baskets);
                for (&item, share) in self.candidates.iter().zip(&mut shares) {
                    if let Some(other) = catalogue.category(item) {
                        let usual = catalogue.category_baskets(other) as f32 / all;
                        *share += weight * (both[other.0 as usize] as f32 + PAIR_PRIOR * usual) / whole;
                    }
                }
                pairs.partners(category).iter().for_each(|&other| both[other.0 as usize] = 0);
            }
            shares
        })
    }

    /// [`FeatureContext::fill_backed_shares`] with [`PAIR_PRIOR`].
    pub(crate) fn backed_shares(&self) -> &[f32] {
        self.backed_shares.get_or_init(|| {
            let mut shares = vec![0.0; self.candidates.len()];
            self.fill_backed_shares(&mut shares, PAIR_PRIOR);
            shares
        })
    }

    /// For each candidate, the share of the query item's weighted baskets that hold it, shrunk towards its share of the
    /// baskets with the query's category, with `prior` baskets; over a cart, the mean.
    pub(crate) fn fill_backed_shares(&self, out: &mut [f32], prior: f32) {
        let catalogue = self.model.catalogue();
        out.fill(0.0);
        let whole = |query_item: Item| catalogue.baskets(query_item) as f32 + prior;
        let of_kind = |query_item: Item| {
            catalogue.category(query_item).map(|category| catalogue.category_baskets(category) as f32 + PAIR_PRIOR)
        };
        for pair in self.partners() {
            out[pair.at] += pair.weight * pair.counts.weight / whole(pair.query_item);
        }
        for pair in self.category_partners() {
            let backing = pair.weight * prior / whole(pair.query_item);
            out[pair.at] += backing * pair.counts.weight / of_kind(pair.query_item).unwrap_or(1.0);
        }
        let backing = |&(query_item, weight): &(Item, f32)| {
            weight * prior / whole(query_item) * of_kind(query_item).map_or(1.0, |of| PAIR_PRIOR / of)
        };
        let popular: f32 = self.asked().iter().map(backing).sum::<f32>() * USUAL_WEIGHT;
        self.add_popularity(out, popular);
    }

    /// Adds each candidate's popularity times `prior`.
    pub(crate) fn add_popularity(&self, out: &mut [f32], prior: f32) {
        let catalogue = self.model.catalogue();
        out.iter_mut().zip(self.candidates).for_each(|(out, &item)| *out += prior * catalogue.popularity(item));
    }

    /// For each candidate, the inner product of its factors and the customer's; 0 without a customer or factors.
    pub(crate) fn factor_scores(&self) -> &[f32] {
        self.factor_scores.get_or_init(|| {
            let mut factor_scores = vec![0.0; self.candidates.len()];
            if let Some(customer) = self.query.customer {
                self.model.item_factors().dots(self.candidates, customer.direction(), &mut factor_scores);
                factor_scores.iter_mut().for_each(|factor_score| *factor_score *= customer.length());
            }
            factor_scores
        })
    }

    /// For each candidate, the customer's purchases in its category.
    pub(crate) fn categories(&self) -> &[OfCategory] {
        self.categories.get_or_init(|| {
            let mut own = vec![OfCategory::default(); self.candidates.len()];
            let Some(customer) = self.query.customer else { return own };
            let catalogue = self.model.catalogue();
            // For each category, the index of its first candidate plus one; that candidate holds the sums.
            let mut first = vec![0u32; catalogue.categories().len()];
            let of_candidates = || self.candidates.iter().map(|&item| catalogue.category(item)).enumerate();
            for (at, category) in of_candidates().rev() {
                category.iter().for_each(|&category| first[category.0 as usize] = at as u32 + 1);
            }
            for (position, &item) in customer.items().iter().enumerate() {
                let of = catalogue.category(item).map_or(0, |category| first[category.0 as usize]);
                if let Some(own) = (of as usize).checked_sub(1).map(|at| &mut own[at]) {
                    let stats = customer.at(position);
                    own.first_day =
                        if own.purchases == 0 { stats.first_day } else { own.first_day.min(stats.first_day) };
                    own.last_day = own.last_day.max(stats.last_day);
                    own.purchases += u32::from(stats.baskets);
                    own.decayed += stats.decayed;
                }
            }
            for (at, category) in of_candidates() {
                category.iter().for_each(|&category| own[at] = own[first[category.0 as usize] as usize - 1]);
            }
            own
        })
    }
}

/// Average weight 1/√(n-1) of a basket in the weights of pairs; baskets of a prior get the same weight.
pub(crate) const USUAL_WEIGHT: f32 = 0.35;

/// Calls `each` with the positions in both lists of each common item. Both must be strictly ascending.
///
/// If one list is much longer, each item of the shorter one is searched for in it.
fn matches(a: &[Item], b: &[Item], mut each: impl FnMut(usize, usize)) {
    const MUCH: usize = 16;
    if a.len() > MUCH * b.len() {
        let found = b.iter().enumerate().filter_map(|(at, item)| Some((a.binary_search(item).ok()?, at)));
        return found.for_each(|(in_a, in_b)| each(in_a, in_b));
    }
    if b.len() > MUCH * a.len() {
        let found = a.iter().enumerate().filter_map(|(at, item)| Some((at, b.binary_search(item).ok()?)));
        return found.for_each(|(in_a, in_b)| each(in_a, in_b));
    }
    let (mut in_a, mut in_b) = (0, 0);
    while in_a < a.len() && in_b < b.len() {
        let (of_a, of_b) = (a[in_a], b[in_b]);
        if of_a == of_b {
            each(in_a, in_b);
        }
        // Added, not branched on, since which list advances is unpredictable.
        in_a += usize::from(of_a <= of_b);
        in_b += usize::from(of_b <= of_a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_finds_the_same_whichever_list_is_longer() {
        let found = |a: &[u32], b: &[u32]| {
            let [a, b] = [a, b].map(|list| list.iter().copied().map(Item).collect::<Vec<_>>());
            let mut found = vec![];
            matches(&a, &b, |in_a, in_b| found.push((in_a, in_b)));
            found
        };
        assert_eq!(found(&[1, 3, 5, 9], &[0, 3, 4, 9, 12]), [(1, 1), (3, 3)]);
        let long: Vec<u32> = (0..100).map(|x| 2 * x).collect();
        assert_eq!(found(&long, &[3, 8, 198]), [(4, 1), (99, 2)]);
        assert_eq!(found(&[3, 8, 198], &long), [(1, 4), (2, 99)]);
    }
}
