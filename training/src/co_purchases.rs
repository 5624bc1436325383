//! Counts which items meet in baskets.

use rayon::prelude::*;
use trolley_model::CoPurchases;
use trolley_model::co_purchases::Partner;

use crate::baskets::Baskets;
use crate::random::Random;

/// For each bought item its `partners` strongest, by number of common baskets.
///
/// A basket of n items adds 1/(n-1) to the weight of each of its pairs, so an item's weights sum up to its baskets
/// however large these are. Of a basket with more than `max_items` only so many, drawn at random, meet: pairs grow
/// with the square, and a wholesaler's basket of a thousand lines says little about any one of its pairs.
pub(crate) fn co_purchases(baskets: &Baskets, partners: usize, max_items: usize, seed: u64) -> CoPurchases {
    let cores: Vec<Core<'_>> = (0..baskets.len()).map(|basket| core(baskets, basket, max_items, seed)).collect();
    let mut holders: Vec<Vec<u32>> = vec![Vec::new(); baskets.bought];
    for (number, core) in cores.iter().enumerate().filter(|(_, core)| core.items().len() > 1) {
        for &item in core.items() {
            holders[item as usize].push(number as u32);
        }
    }
    let lists: Vec<Vec<Partner>> = holders
        .par_iter()
        .enumerate()
        .map_init(
            || Counters { met: Vec::new(), baskets: vec![0; baskets.bought], weight: vec![0.0; baskets.bought] },
            |counters, (item, holders)| counters.count(item as u32, holders, &cores, partners),
        )
        .collect();
    CoPurchases::new(lists)
}

/// The items of a basket whose pairs count, and what each pair weighs.
struct Core<'a> {
    all: &'a [u32],
    drawn: Option<Vec<u32>>,
    weight: f32,
}

impl Core<'_> {
    fn items(&self) -> &[u32] {
        self.drawn.as_deref().unwrap_or(self.all)
    }
}

fn core(baskets: &Baskets, basket: usize, max_items: usize, seed: u64) -> Core<'_> {
    let all = baskets.items(basket);
    let drawn = (all.len() > max_items).then(|| {
        let mut drawn = all.to_vec();
        Random::new(seed, &[0xc0, basket as u64]).shuffle(&mut drawn);
        drawn.truncate(max_items);
        drawn.sort_unstable();
        drawn
    });
    let met = drawn.as_ref().map_or(all.len(), Vec::len);
    Core { all, drawn, weight: 1.0 / met.saturating_sub(1).max(1) as f32 }
}

/// One thread's counters, all zero between two items.
struct Counters {
    met: Vec<u32>,
    baskets: Vec<u32>,
    weight: Vec<f32>,
}

impl Counters {
    fn count(&mut self, item: u32, holders: &[u32], cores: &[Core<'_>], partners: usize) -> Vec<Partner> {
        for &basket in holders {
            let core = &cores[basket as usize];
            for &other in core.items().iter().filter(|&&other| other != item) {
                if self.baskets[other as usize] == 0 {
                    self.met.push(other);
                }
                self.baskets[other as usize] += 1;
                self.weight[other as usize] += core.weight;
            }
        }
        let mut list: Vec<Partner> = self
            .met
            .drain(..)
            .map(|other| Partner {
                item: other,
                baskets: std::mem::take(&mut self.baskets[other as usize]),
                weight: std::mem::take(&mut self.weight[other as usize]),
            })
            .collect();
        list.sort_unstable_by(|a, b| {
            b.baskets.cmp(&a.baskets).then(b.weight.total_cmp(&a.weight)).then(a.item.cmp(&b.item))
        });
        list.truncate(partners);
        list
    }
}
