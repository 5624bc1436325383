//! The best k of a stream.

/// The k highest scores; ties go to the lower number, so that results do not depend on the order of the candidates.
///
/// Up to 2k entries are buffered and then cut to the best k, which is faster than a heap of k (tantivy's
/// `TopNComputer`).
#[derive(Debug)]
pub struct Top {
    k: usize,
    entries: Vec<Entry>,
    /// The lowest of the best k as of the last cut; lower entries are rejected.
    lowest: Option<Entry>,
}

/// The score's bits in the order of [`f32::total_cmp`] in the high half, the inverted bits of the number in the low
/// half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u64);

impl Entry {
    fn new(score: f32, number: u32) -> Self {
        Self(u64::from(flipped(score.to_bits(), score.is_sign_negative())) << 32 | u64::from(!number))
    }

    fn score(self) -> f32 {
        let bits = (self.0 >> 32) as u32;
        f32::from_bits(flipped(bits, bits < SIGN))
    }

    fn number(self) -> u32 {
        !(self.0 as u32)
    }
}

const SIGN: u32 = 1 << 31;

/// Inverts all bits of negative numbers, and the sign bit of others.
fn flipped(bits: u32, is_negative: bool) -> u32 {
    if is_negative { !bits } else { bits ^ SIGN }
}

impl Top {
    /// Collects the best `k`.
    pub fn new(k: usize) -> Self {
        // A caller's k may be far above the number of candidates.
        Self { k, entries: Vec::with_capacity(k.saturating_mul(2).min(1024)), lowest: None }
    }

    /// False if an entry of this score and number would be rejected.
    pub fn would_keep(&self, score: f32, number: u32) -> bool {
        self.lowest.is_none_or(|lowest| Entry::new(score, number) > lowest) && self.k > 0
    }

    /// Adds an entry if it may be among the best k.
    pub fn push(&mut self, score: f32, number: u32) {
        if self.would_keep(score, number) {
            self.entries.push(Entry::new(score, number));
            if self.entries.len() >= self.k.saturating_mul(2) {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        if let Some(last) = self.k.checked_sub(1).filter(|last| *last < self.entries.len()) {
            let (_, lowest, _) = self.entries.select_nth_unstable_by(last, |a, b| b.cmp(a));
            self.lowest = Some(*lowest);
        }
        self.entries.truncate(self.k);
    }

    /// The entries as (number, score), best first.
    pub fn into_sorted(mut self) -> Vec<(u32, f32)> {
        self.cut();
        self.entries.sort_unstable_by(|a, b| b.cmp(a));
        self.entries.into_iter().map(|entry| (entry.number(), entry.score())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_a_full_sort(scores in prop::collection::vec(-3i8..3, 0..80), k in 0usize..12) {
            let mut top = Top::new(k);
            let mut all: Vec<(u32, f32)> = vec![];
            for (number, &score) in scores.iter().enumerate() {
                let score = f32::from(score) / 3.0;
                top.push(score, number as u32);
                all.push((number as u32, score));
            }
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            all.truncate(k);
            prop_assert_eq!(top.into_sorted(), all);
        }
    }
}
