use super::blocks::{BLOCKS, place};
use crate::random::Random;

/// Draws rows of one output block, each with its item's baskets to a power, in constant time (alias method, Vose 1991).
pub(super) struct Negatives {
    /// Per row: how likely it stays when it is hit, and which row stands in for it if not.
    rows: Vec<(f32, u32)>,
}

impl Negatives {
    pub(super) fn new(counts: &[u32], block: usize, power: f32) -> Self {
        let weights: Vec<f64> = (0..counts.len() as u32)
            .skip(block)
            .step_by(BLOCKS)
            .inspect(|&item| debug_assert_eq!(place(item).0, block))
            .map(|item| f64::from(counts[item as usize].max(1)).powf(f64::from(power)))
            .collect();
        let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
        let mut left: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut rows: Vec<(f32, u32)> = (0..left.len() as u32).map(|row| (1.0, row)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(|&row| left[row] < 1.0);
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            rows[low] = (left[low] as f32, high as u32);
            left[high] -= 1.0 - left[low];
            if left[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Self { rows }
    }

    /// A row. The block must have one, as it has if a pair's context lies in it.
    pub(super) fn draw(&self, random: &mut Random) -> u32 {
        let row = random.below(self.rows.len());
        let (stays, other) = self.rows[row];
        if random.unit() < stays { row as u32 } else { other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_proportion_to_their_weights() {
        let mut counts = vec![1u32; 3 * BLOCKS];
        (counts[0], counts[BLOCKS], counts[2 * BLOCKS]) = (16, 4, 1);
        let negatives = Negatives::new(&counts, 0, 0.5);
        let mut random = Random::new(7, &[]);
        let mut drawn = [0u32; 3];
        for _ in 0..70_000 {
            drawn[negatives.draw(&mut random) as usize] += 1;
        }
        // 4 : 2 : 1
        for (drawn, expected) in drawn.iter().zip([40_000, 20_000, 10_000]) {
            assert!(drawn.abs_diff(expected) < 700, "{drawn} for {expected}");
        }
    }
}
