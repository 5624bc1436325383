//! Counts item-item co-occurrence in baskets.

use rayon::prelude::*;
use trolley_model::co_purchases::{Partner, closeness};
use trolley_model::{Catalogue, Category, CoPurchases, Item};

use crate::baskets::Baskets;
use crate::random::Random;

/// The `partners` strongest partners of each bought item: two thirds by the number of common baskets, and one third by
/// closeness, so that partners with few sales are included. `all` has the number of baskets of each item.
///
/// A basket of n items adds 1/√(n-1) to the weight of each of its pairs. That lies between a weight of 1 for each pair
/// and equal weights for each line, 1/(n-1), and ranks better than either. From a basket with more than `max_items`
/// that many are sampled: the number of pairs grows with the square, and a wholesaler's basket of a thousand lines says
/// little about any one of its pairs.
pub(crate) fn co_purchases(
    baskets: &Baskets,
    all: &[u32],
    partners: usize,
    max_items: usize,
    seed: u64,
) -> CoPurchases {
    let sampled: Vec<SampledBasket<'_>> =
        (0..baskets.len()).map(|basket| sample_items(baskets, basket, max_items, seed)).collect();
    let mut holders: Vec<Vec<u32>> = vec![Vec::new(); baskets.bought];
    for (number, sample_items) in sampled.iter().enumerate().filter(|(_, sample_items)| sample_items.items().len() > 1)
    {
        for &item in sample_items.items() {
            holders[item.index()].push(number as u32);
        }
    }
    let lists: Vec<Vec<Partner>> = holders
        .par_iter()
        .enumerate()
        .map_init(
            || Counters { met: Vec::new(), baskets: vec![0; baskets.bought], weight: vec![0.0; baskets.bought] },
            |counters, (item, holders)| counters.count(Item(item as u32), holders, &sampled, partners, all),
        )
        .collect();
    CoPurchases::new(lists)
}

/// The `partners` strongest partners of each category, by the number of common baskets. A category is its own partner
/// in a basket with two of its items.
pub(crate) fn category_pairs(
    baskets: &Baskets,
    catalogue: &Catalogue,
    partners: usize,
) -> CoPurchases<Category, Category> {
    let categories = catalogue.categories().len();
    let mut holders: Vec<Vec<u32>> = vec![Vec::new(); categories];
    // The categories of each basket, and whether it holds several items of the category.
    let (mut lists, mut list): (Vec<Vec<(Category, bool)>>, Vec<Category>) =
        (Vec::with_capacity(baskets.len()), Vec::new());
    for basket in 0..baskets.len() {
        list.clear();
        list.extend(baskets.items(basket).iter().filter_map(|&item| catalogue.category(item)));
        list.sort_unstable();
        let distinct: Vec<(Category, bool)> =
            list.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() > 1)).collect();
        distinct.iter().for_each(|&(category, _)| holders[category.0 as usize].push(basket as u32));
        lists.push(distinct);
    }
    let of = |counts: &mut Vec<u32>, (category, holders): (usize, &Vec<u32>)| {
        for &basket in holders {
            for &(other, twice) in &lists[basket as usize] {
                counts[other.0 as usize] += u32::from(other.0 as usize != category || twice);
            }
        }
        let mut list: Vec<Partner<Category>> = (0..)
            .map(Category)
            .zip(counts.iter_mut())
            .filter(|(_, count)| **count > 0)
            .map(|(item, count)| {
                let baskets = std::mem::take(count);
                Partner { item, baskets, weight: baskets as f32 }
            })
            .collect();
        list.sort_unstable_by(|a, b| b.baskets.cmp(&a.baskets).then(a.item.cmp(&b.item)));
        list.truncate(partners);
        list.shrink_to_fit();
        list
    };
    let lists: Vec<Vec<Partner<Category>>> =
        holders.par_iter().enumerate().map_init(|| vec![0; categories], of).collect();
    CoPurchases::new(lists)
}

/// The `partners` strongest items for each category: two thirds by weight in the baskets with the category, and one
/// third by closeness. An item of the category itself counts if the basket holds another one of it.
pub(crate) fn category_partners(baskets: &Baskets, catalogue: &Catalogue, partners: usize) -> CoPurchases<Category> {
    let mut holders: Vec<Vec<u32>> = vec![Vec::new(); catalogue.categories().len()];
    for basket in 0..baskets.len() {
        for category in baskets.items(basket).iter().filter_map(|&item| catalogue.category(item)) {
            let holders = &mut holders[category.0 as usize];
            if holders.last() != Some(&(basket as u32)) {
                holders.push(basket as u32);
            }
        }
    }
    let none = || Counters { met: Vec::new(), baskets: vec![0; baskets.bought], weight: vec![0.0; baskets.bought] };
    let of = |counters: &mut Counters, (category, holders): (usize, &Vec<u32>)| {
        for &basket in holders {
            let items = baskets.items(basket as usize);
            let own = |item: Item| catalogue.category(item) == Some(Category(category as u32));
            let alone = items.iter().filter(|&&item| own(item)).count() < 2;
            for &item in items.iter().filter(|&&item| !(alone && own(item))) {
                counters.add(item, weight(items.len()));
            }
        }
        counters.strongest(partners, catalogue.all_baskets(), |partner| partner.weight)
    };
    CoPurchases::new(holders.par_iter().enumerate().map_init(none, of).collect::<Vec<_>>())
}

/// The items of a basket whose pairs count, and the weight of each pair.
struct SampledBasket<'a> {
    all: &'a [Item],
    drawn: Option<Vec<Item>>,
    weight: f32,
}

impl SampledBasket<'_> {
    fn items(&self) -> &[Item] {
        self.drawn.as_deref().unwrap_or(self.all)
    }
}

fn sample_items(baskets: &Baskets, basket: usize, max_items: usize, seed: u64) -> SampledBasket<'_> {
    let all = baskets.items(basket);
    let drawn = (all.len() > max_items).then(|| {
        let mut drawn = all.to_vec();
        Random::new(seed, &[0xc0, basket as u64]).shuffle(&mut drawn);
        drawn.truncate(max_items);
        drawn.sort_unstable();
        drawn
    });
    let met = drawn.as_ref().map_or(all.len(), Vec::len);
    SampledBasket { all, drawn, weight: weight(met) }
}

fn weight(items: usize) -> f32 {
    1.0 / (items.saturating_sub(1).max(1) as f32).sqrt()
}

/// The counters of one thread, all zero between two items.
struct Counters {
    met: Vec<Item>,
    baskets: Vec<u32>,
    weight: Vec<f32>,
}

impl Counters {
    fn count(
        &mut self,
        item: Item,
        holders: &[u32],
        sampled: &[SampledBasket<'_>],
        partners: usize,
        all: &[u32],
    ) -> Vec<Partner> {
        for &basket in holders {
            let sample_items = &sampled[basket as usize];
            for &other in sample_items.items().iter().filter(|&&other| other != item) {
                self.add(other, sample_items.weight);
            }
        }
        self.strongest(partners, all, |partner| partner.baskets as f32)
    }

    fn add(&mut self, other: Item, weight: f32) {
        if self.baskets[other.index()] == 0 {
            self.met.push(other);
        }
        self.baskets[other.index()] += 1;
        self.weight[other.index()] += weight;
    }

    /// Empties the counters into a list of the strongest partners: two thirds by `strength`, and the others by
    /// closeness. `all` has the number of baskets of each item.
    fn strongest(&mut self, partners: usize, all: &[u32], strength: impl Fn(&Partner) -> f32) -> Vec<Partner> {
        let mut list: Vec<Partner> = self
            .met
            .drain(..)
            .map(|other| Partner {
                item: other,
                baskets: std::mem::take(&mut self.baskets[other.index()]),
                weight: std::mem::take(&mut self.weight[other.index()]),
            })
            .collect();
        list.sort_unstable_by(|a, b| {
            strength(b).total_cmp(&strength(a)).then(b.weight.total_cmp(&a.weight)).then(a.item.cmp(&b.item))
        });
        if list.len() > partners {
            let close = |partner: &Partner| closeness(partner.baskets, all[partner.item.index()]);
            list[partners - partners / 3..]
                .sort_unstable_by(|a, b| close(b).total_cmp(&close(a)).then(a.item.cmp(&b.item)));
        }
        list.truncate(partners);
        // An item has thousands of partners; the unused capacity of all lists would dominate the memory of a training.
        list.shrink_to_fit();
        list
    }
}
