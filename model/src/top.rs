//! The best k of a stream.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Keeps the k highest scores; of equal ones those with the lower number, so that answers never depend on the order
/// in which candidates come.
#[derive(Debug)]
pub struct Top {
    k: usize,
    heap: BinaryHeap<Reverse<Entry>>,
}

#[derive(Debug, PartialEq)]
struct Entry {
    score: f32,
    number: u32,
}

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.number.cmp(&self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Top {
    /// For the best `k`.
    pub fn new(k: usize) -> Self {
        // A caller's k may be far above what will come.
        Self { k, heap: BinaryHeap::with_capacity(k.min(1024) + 1) }
    }

    /// True if an entry of this score and number would stay, as things stand.
    pub fn would_keep(&self, score: f32, number: u32) -> bool {
        self.heap.len() < self.k || self.heap.peek().is_some_and(|lowest| Entry { score, number } > lowest.0)
    }

    /// Takes an entry in, and drops the lowest if there are more than k.
    pub fn push(&mut self, score: f32, number: u32) {
        if self.would_keep(score, number) {
            self.heap.push(Reverse(Entry { score, number }));
            if self.heap.len() > self.k {
                self.heap.pop();
            }
        }
    }

    /// The entries as (number, score), best first.
    pub fn into_sorted(self) -> Vec<(u32, f32)> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(entry)| (entry.number, entry.score)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_a_full_sort(scores in prop::collection::vec(-3i8..3, 0..40), k in 0usize..12) {
            let mut top = Top::new(k);
            let mut all: Vec<(u32, f32)> = vec![];
            for (number, &score) in scores.iter().enumerate() {
                top.push(f32::from(score), number as u32);
                all.push((number as u32, f32::from(score)));
            }
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            all.truncate(k);
            prop_assert_eq!(top.into_sorted(), all);
        }
    }
}
