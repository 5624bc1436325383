//! Counts the items that customers bought in place of another.

use std::collections::HashMap;

use rayon::prelude::*;
use trolley_model::co_purchases::Partner;
use trolley_model::{Catalogue, Category, CoPurchases, Item};

use crate::baskets::Baskets;
use crate::input::ANONYMOUS;

/// Maximum number of pairs counted for one change between several items.
const MOST_PAIRS: usize = 64;

/// The `partners` of each bought item to which, or from which, customers switched most often. In a switch, a customer
/// bought one item and not the other, and in their next basket with that category the other and not the one. The total
/// weight of a switch is 1, divided among its pairs of items.
pub(crate) fn switches(baskets: &Baskets, catalogue: &Catalogue, partners: usize) -> CoPurchases {
    let mut of_customer: Vec<Vec<u32>> = vec![Vec::new(); baskets.customers.len()];
    for (number, head) in baskets.heads.iter().enumerate().filter(|(_, head)| head.customer != ANONYMOUS) {
        of_customer[head.customer as usize].push(number as u32);
    }
    let of = |own: &Vec<u32>| {
        // The items of the last basket with each category.
        let mut last: HashMap<Category, Vec<Item>> = HashMap::new();
        let mut pairs: Vec<(Item, Item, f32)> = Vec::new();
        let mut by_category: Vec<(Category, Item)> = Vec::new();
        for &basket in own {
            by_category.clear();
            let items = baskets.items(basket as usize).iter();
            by_category.extend(items.filter_map(|&item| Some((catalogue.category(item)?, item))));
            by_category.sort_unstable();
            for same in by_category.chunk_by(|a, b| a.0 == b.0) {
                let now: Vec<Item> = same.iter().map(|&(_, item)| item).collect();
                if let Some(before) = last.insert(same[0].0, now.clone()) {
                    let gone: Vec<Item> =
                        before.iter().copied().filter(|item| now.binary_search(item).is_err()).collect();
                    let come: Vec<Item> =
                        now.iter().copied().filter(|item| before.binary_search(item).is_err()).collect();
                    let both = gone.len() * come.len();
                    let every = gone.iter().flat_map(|&gone| come.iter().map(move |&come| (gone, come)));
                    for (gone, come) in every.take(MOST_PAIRS) {
                        let weight = 1.0 / both as f32;
                        pairs.extend([(gone, come, weight), (come, gone, weight)]);
                    }
                }
            }
        }
        pairs
    };
    let mut pairs: Vec<(Item, Item, f32)> = of_customer.par_iter().flat_map_iter(of).collect();
    // Stable, so that the weights of a pair are added in the order of the customers.
    pairs.par_sort_by_key(|&(item, other, _)| (item, other));
    let mut lists: Vec<Vec<Partner>> = vec![Vec::new(); baskets.bought];
    for same in pairs.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let weight = same.iter().map(|pair| pair.2).sum();
        lists[same[0].0.index()].push(Partner { item: same[0].1, baskets: same.len() as u32, weight });
    }
    for list in &mut lists {
        list.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.item.cmp(&b.item)));
        list.truncate(partners);
    }
    CoPurchases::new(lists)
}
