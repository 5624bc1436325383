use std::collections::HashMap;

/// How often customers took one item in the place of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Accepted.
    pub accepted: u32,
    /// Refused.
    pub rejected: u32,
}

/// What customers usually accept of what they are given, and how many answers that counts for.
const USUAL: f32 = 0.7;
const PRIOR: f32 = 10.0;

/// From so many answers on a replacement that is mostly refused is not shown.
const ENOUGH: u32 = 5;

impl Taken {
    /// The share that was accepted, as if there had been [`PRIOR`] more that were like any other.
    fn share(self) -> f32 {
        let all = (self.accepted + self.rejected) as f32;
        (self.accepted as f32 + PRIOR * USUAL) / (all + PRIOR)
    }

    /// The log of that against what is usual: the signal `replaced`.
    pub(super) fn log(self) -> f32 {
        (self.share() / USUAL).ln()
    }

    /// Whether more than half of enough answers were refusals.
    pub(super) fn is_mostly_rejected(self) -> bool {
        let all = self.accepted + self.rejected;
        all >= ENOUGH && self.rejected > all / 2
    }
}

/// What customers said of replacements.
#[derive(Clone, Debug, Default)]
pub struct Replacements(HashMap<String, HashMap<String, Taken>>);

impl Replacements {
    /// Takes in the counts of a pair.
    pub fn put(&mut self, item: &str, replacement: &str, taken: Taken) {
        self.0.entry(item.to_owned()).or_default().insert(replacement.to_owned(), taken);
    }

    /// Each item with a replacement and the counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, Taken)> {
        self.0
            .iter()
            .flat_map(|(item, of)| of.iter().map(move |(other, taken)| (item.as_str(), other.as_str(), *taken)))
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    /// True if nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_answers_say_little_and_many_refusals_end_it() {
        let of = |accepted, rejected| Taken { accepted, rejected };
        assert!(of(0, 0).log().abs() < 1e-6);
        assert!(of(1, 0).log() > 0.0 && of(1, 0).log() < of(20, 0).log());
        assert!(of(0, 1).log() < 0.0 && of(0, 20).log() < of(0, 2).log());
        assert!(!of(0, 4).is_mostly_rejected() && of(0, 5).is_mostly_rejected());
        assert!(!of(5, 5).is_mostly_rejected() && of(4, 6).is_mostly_rejected());
    }
}
