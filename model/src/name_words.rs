//! Names of items as bags of words.

use std::collections::HashMap;

use crate::item::Item;
use crate::offsets::Offsets;
use crate::texts::Texts;

/// The words of each item's name, weighted by inverse document frequency.
#[derive(Debug, Default)]
pub(crate) struct NameWords {
    rows: Offsets,
    /// The numbers of each name's words, ascending, padded with [`NO_WORD`] to blocks of [`TOGETHER`].
    words: Vec<u32>,
    /// The squared weight of each word: ln²(names / names with it).
    weights: Vec<f32>,
    /// The norm of each name as a vector of these weights.
    lengths: Vec<f32>,
}

/// Number of words compared at once.
const TOGETHER: usize = 8;

const NO_WORD: u32 = u32::MAX;

impl NameWords {
    /// Empty if there are no names.
    pub(crate) fn new(names: &Texts) -> Self {
        if names.is_empty() {
            return Self::default();
        }
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let (mut lengths, mut words, mut counts) = (Vec::with_capacity(names.len()), Vec::new(), Vec::new());
        for name in names.iter() {
            let start = words.len();
            let name = name.to_lowercase();
            for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
                let next = counts.len() as u32;
                let number = *numbers.entry(word.to_owned()).or_insert(next);
                if number == next {
                    counts.push(0u32);
                }
                words.push(number);
            }
            words[start..].sort_unstable();
            let mut last = None;
            let mut end = start;
            for at in start..words.len() {
                if last != Some(words[at]) {
                    last = Some(words[at]);
                    words[end] = words[at];
                    end += 1;
                }
            }
            words.truncate(end);
            words[start..].iter().for_each(|&word| counts[word as usize] += 1);
            words.resize(start + (end - start).next_multiple_of(TOGETHER), NO_WORD);
            lengths.push(words.len() - start);
        }
        let rows = Offsets::from_lengths(lengths);
        let all = names.len() as f32;
        let weights: Vec<f32> = counts.iter().map(|&count| (all / count as f32).ln().powi(2)).collect();
        let weight = |word: &u32| weights.get(*word as usize);
        let length = |item: Item| words[rows.range(item.0)].iter().filter_map(weight).sum::<f32>().sqrt();
        let lengths = (0..names.len() as u32).map(Item).map(length).collect();
        Self { rows, words, weights, lengths }
    }

    /// The cosine of two names, 0 to 1; 0 if either is empty.
    pub(crate) fn similarity(&self, one: Item, other: Item) -> f32 {
        if self.lengths.is_empty() {
            return 0.0;
        }
        let length = self.lengths[one.index()] * self.lengths[other.index()];
        if length == 0.0 {
            return 0.0;
        }
        let [one, other] = [one, other].map(|item| &self.words[self.rows.range(item.0)]);
        let is_in = |word: u32| {
            // Counted without a branch, so that all are compared at once.
            let is_among = |words: &[u32; TOGETHER]| words.iter().filter(|other| **other == word).count() > 0;
            other.as_chunks().0.iter().any(is_among)
        };
        let words = one.iter().take_while(|word| **word != NO_WORD);
        words.map(|&word| if is_in(word) { self.weights[word as usize] } else { 0.0 }).sum::<f32>() / length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_in_common_say_more_than_frequent_ones() {
        let mut names = Texts::default();
        for name in ["Whole milk 1 l", "Whole milk, 1 L", "Oat milk 1 l", "Whole wheat 1 kg", "", "Lamp"] {
            names.push(name).unwrap();
        }
        let words = NameWords::new(&names);
        let similarity = |one, other| words.similarity(Item(one), Item(other));
        assert!((similarity(0, 1) - 1.0).abs() < 1e-6);
        assert!(similarity(0, 2) > 0.0 && similarity(0, 2) < 1.0);
        assert_eq!((similarity(0, 4), similarity(0, 5)), (0.0, 0.0));
        assert!(NameWords::new(&Texts::default()).similarity(Item(0), Item(1)) < 1e-6);
    }
}
