use trolley_model::Item;

use crate::random::Random;

/// Draws items in proportion to the number of their baskets to a power, in constant time (alias method, Vose 1991).
pub(super) struct Negatives {
    /// Per item: the probability that it is used when it is drawn, and its alias otherwise.
    items: Vec<(f32, Item)>,
}

impl Negatives {
    pub(super) fn new(counts: &[u32], power: f32) -> Self {
        let weights: Vec<f64> = counts.iter().map(|&count| f64::from(count.max(1)).powf(f64::from(power))).collect();
        let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
        let mut left: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut items: Vec<(f32, Item)> = (0..left.len() as u32).map(|item| (1.0, Item(item))).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(|&item| left[item] < 1.0);
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            items[low] = (left[low] as f32, Item(high as u32));
            left[high] -= 1.0 - left[low];
            if left[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Self { items }
    }

    /// Draws an item. There must be one, as there is when there are pairs.
    pub(super) fn draw(&self, random: &mut Random) -> Item {
        let item = random.below(self.items.len());
        let (stays, other) = self.items[item];
        if random.unit() < stays { Item(item as u32) } else { other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_proportion_to_their_weights() {
        let negatives = Negatives::new(&[16, 4, 1], 0.5);
        let mut random = Random::new(7, &[]);
        let mut drawn = [0u32; 3];
        for _ in 0..70_000 {
            drawn[negatives.draw(&mut random).index()] += 1;
        }
        // 4 : 2 : 1
        for (drawn, expected) in drawn.iter().zip([40_000, 20_000, 10_000]) {
            assert!(drawn.abs_diff(expected) < 700, "{drawn} for {expected}");
        }
    }
}
