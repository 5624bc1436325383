//! Detects mixed categories, such as seasonal packages, whose items are not substitutes for each other.

use trolley_model::{Catalogue, Category, Item, Vectors};

/// Minimum number of learned items for a category to be classified.
const FEWEST: usize = 10;

/// Maximum similarity within a mixed category, as a share of that between any two items, if prices are not known.
const WITHOUT_PRICES: f32 = 0.8;

/// The `named` categories, and those that combine two properties: the similarity of their items is below that of any
/// two items of the market, and their price spread is in the highest quarter. In ascending order.
pub(crate) fn mixed(catalogue: &Catalogue, input: &Vectors, named: &[String]) -> Vec<u32> {
    let mut mixed: Vec<u32> = named.iter().filter_map(|name| catalogue.categories().position(name)).collect();
    let all: Vec<Item> = (0..input.len() as u32).map(Item).collect();
    let usual = mean_similarity(input, &all);
    let categories = (0..catalogue.categories().len() as u32).filter_map(|category| {
        let members = catalogue.members(Category(category)).iter().copied();
        let learned: Vec<Item> = members.filter(|&item| item.index() < input.len()).collect();
        (learned.len() >= FEWEST).then_some((category, learned))
    });
    let found: Vec<(u32, f32, Option<f32>)> = categories
        .map(|(category, items)| (category, mean_similarity(input, &items), log_price_deviation(catalogue, &items)))
        .collect();
    let mut deviations: Vec<f32> = found.iter().filter_map(|(.., log_price_deviation)| *log_price_deviation).collect();
    deviations.sort_unstable_by(f32::total_cmp);
    let wide = deviations.get(deviations.len() * 3 / 4).copied();
    let is_mixed =
        |(_, mean_similarity, log_price_deviation): &&(u32, f32, Option<f32>)| match (log_price_deviation, wide) {
            (Some(log_price_deviation), Some(wide)) => *mean_similarity < usual && *log_price_deviation >= wide,
            _ => *mean_similarity < WITHOUT_PRICES * usual,
        };
    mixed.extend(found.iter().filter(is_mixed).map(|(category, ..)| *category));
    mixed.sort_unstable();
    mixed.dedup();
    mixed
}

/// The similarity of items by the company in which they are bought: the mean cosine of the input vectors of all pairs.
fn mean_similarity(input: &Vectors, items: &[Item]) -> f32 {
    let mut sum = vec![0.0f32; input.dims()];
    for &item in items {
        sum.iter_mut().zip(input.unit(item.0)).for_each(|(sum, x)| *sum += x);
    }
    let items = items.len() as f32;
    (sum.iter().map(|x| x * x).sum::<f32>() - items) / (items * (items - 1.0)).max(1.0)
}

/// The standard deviation of the log prices; `None` if fewer than [`FEWEST`] are known.
fn log_price_deviation(catalogue: &Catalogue, items: &[Item]) -> Option<f32> {
    let prices = items.iter().filter_map(|&item| catalogue.price(item)).filter(|price| *price > 0.0);
    let logs: Vec<f32> = prices.map(f32::ln).collect();
    let (count, mean) = (logs.len() as f32, logs.iter().sum::<f32>() / logs.len().max(1) as f32);
    (logs.len() >= FEWEST).then(|| (logs.iter().map(|log| (log - mean).powi(2)).sum::<f32>() / count).sqrt())
}

#[cfg(test)]
mod tests {
    use trolley_model::catalogue::CatalogueParts;
    use trolley_model::{Ids, Texts};

    use super::*;

    /// Forty items: twenty are bought in one company, ten in another, and ten in all sorts of it and at all prices.
    #[test]
    fn a_category_of_all_sorts_is_found() {
        let (mut items, mut categories) = (Texts::default(), Ids::default());
        (0..40).for_each(|item| items.push(&format!("{item}")).unwrap());
        ["milk", "tea", "seasonal"].iter().for_each(|name| _ = categories.intern(name).unwrap());
        let of = |item: u32| match item {
            0..20 => 0,
            20..30 => 1,
            _ => 2,
        };
        let vector = |item: u32| match of(item) {
            0 => [1.0, 0.1, 0.0, 0.0],
            1 => [0.9, 0.0, 0.5, 0.0],
            _ => std::array::from_fn(|axis| if axis as u32 == item % 4 { 1.0 } else { 0.0 }),
        };
        let catalogue = Catalogue::new(CatalogueParts {
            items: Ids::new(items).unwrap(),
            baskets: vec![5; 40],
            recent_baskets: vec![1; 40],
            latest_baskets: vec![1; 40],
            category: (0..40).map(of).collect(),
            categories,
            category_baskets: vec![50; 3],
            prices: (0..40)
                .map(|item| if of(item) == 2 { (item % 7 + 1) as f32 } else { 1.0 + 0.01 * item as f32 })
                .collect(),
            total_baskets: 200,
            total_recent_baskets: 40,
            total_latest_baskets: 40,
            ..CatalogueParts::default()
        })
        .unwrap();
        let input = Vectors::from_rows(4, (0..40).flat_map(vector).collect());
        assert_eq!(mixed(&catalogue, &input, &[]), [2]);
        assert_eq!(mixed(&catalogue, &input, &["tea".into(), "unknown".into()]), [1, 2]);
    }
}
