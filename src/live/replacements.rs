use std::collections::HashMap;

/// How often customers accepted and rejected one item as a replacement for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplacementCounts {
    /// Number of acceptances.
    pub accepted: u32,
    /// Number of rejections.
    pub rejected: u32,
}

/// The usual acceptance rate, and its weight as a prior number of decisions.
const USUAL: f32 = 0.7;
const PRIOR: f32 = 10.0;

/// Minimum number of decisions before a mostly rejected replacement is hidden.
const ENOUGH: u32 = 5;

impl ReplacementCounts {
    /// The acceptance rate, shrunk towards [`USUAL`] by [`PRIOR`] decisions.
    fn share(self) -> f32 {
        let all = (self.accepted + self.rejected) as f32;
        (self.accepted as f32 + PRIOR * USUAL) / (all + PRIOR)
    }

    /// Log of the acceptance rate relative to the usual one: the signal `replaced`.
    pub(super) fn log(self) -> f32 {
        (self.share() / USUAL).ln()
    }

    /// Whether there are enough decisions, and more than half of them are rejections.
    pub(super) fn is_mostly_rejected(self) -> bool {
        let all = self.accepted + self.rejected;
        all >= ENOUGH && self.rejected > all / 2
    }
}

/// The customers' decisions on replacements.
#[derive(Clone, Debug, Default)]
pub struct Replacements(HashMap<String, HashMap<String, ReplacementCounts>>);

impl Replacements {
    /// Sets the counts of a pair.
    pub fn put(&mut self, item: &str, replacement: &str, taken: ReplacementCounts) {
        self.0.entry(item.to_owned()).or_default().insert(replacement.to_owned(), taken);
    }

    /// All pairs of item and replacement, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, ReplacementCounts)> {
        self.0
            .iter()
            .flat_map(|(item, of)| of.iter().map(move |(other, taken)| (item.as_str(), other.as_str(), *taken)))
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    /// True if there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_answers_say_little_and_many_refusals_end_it() {
        let of = |accepted, rejected| ReplacementCounts { accepted, rejected };
        assert!(of(0, 0).log().abs() < 1e-6);
        assert!(of(1, 0).log() > 0.0 && of(1, 0).log() < of(20, 0).log());
        assert!(of(0, 1).log() < 0.0 && of(0, 20).log() < of(0, 2).log());
        assert!(!of(0, 4).is_mostly_rejected() && of(0, 5).is_mostly_rejected());
        assert!(!of(5, 5).is_mostly_rejected() && of(4, 6).is_mostly_rejected());
    }
}
