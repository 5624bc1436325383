//! A blend prepared to score many candidates at once.

use std::ops::Index;

use crate::blend::{Blend, Blends, Tree, is_nothing};
use crate::error::ModelError;
use crate::kernel::{BLOCK, Branches, add_leaves, add_scaled};
use crate::question::Question;
use crate::signal_names;

/// A [`Blend`] with its names resolved.
#[derive(Clone, Debug)]
pub struct Scorer {
    inputs: Vec<Input>,
    slopes: Vec<f32>,
    trees: Vec<Branches>,
}

/// An input of a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The signal of this number in [`signal_names::NAMES`].
    Signal(usize),
    /// The likeness of the attribute of this index.
    Attribute(usize),
    /// A number of an offer, by name.
    Number(String),
}

impl Branches {
    fn at(&self, value: impl Fn(usize) -> f32) -> f32 {
        let [root, left, right] =
            [0, 1, 2].map(|split| usize::from(value(self.inputs[split] as usize) >= self.from[split]));
        self.adds[if root == 0 { left } else { 2 + right }]
    }
}

impl Scorer {
    /// Resolves the names of a blend: signals, signals of `attributes`, and `numbers` of offers. Inputs that add
    /// nothing are left out.
    ///
    /// # Errors
    /// A name that is unknown, or a number that is not finite.
    pub fn new(blend: &Blend, attributes: &[String], numbers: &[String]) -> Result<Self, ModelError> {
        if !blend.is_sound() {
            return Err(ModelError::Number("a blend holds a number that is not finite".into()));
        }
        let names = blend.signals();
        let attribute = |name: &str| attributes.iter().position(|attribute| attribute == name);
        let input = |name: &&str| match (signal_names::index(name), attribute(name)) {
            (Some(signal), _) => Ok(Input::Signal(signal)),
            (_, Some(attribute)) => Ok(Input::Attribute(attribute)),
            _ if numbers.iter().any(|number| number == name) => Ok(Input::Number((*name).to_owned())),
            _ => Err(ModelError::Name(format!("a blend uses `{name}`, a signal that is not known"))),
        };
        let inputs = names.iter().map(input).collect::<Result<_, _>>()?;
        let slopes = names.iter().map(|name| blend.slopes.get(*name).copied().unwrap_or(0.0)).collect();
        let position = |name: &String| names.binary_search(&name.as_str()).unwrap_or_default() as u32;
        let branches = |tree: &Tree| Branches {
            inputs: [0, 1, 2].map(|split| position(&tree.signals[split])),
            from: tree.from,
            adds: tree.adds,
        };
        Ok(Self { inputs, slopes, trees: blend.trees.iter().map(branches).collect() })
    }

    /// The inputs, in the order of the columns of [`Scorer::score`].
    pub(crate) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The scores of all candidates. `columns` holds one column per input (inputs × candidates).
    pub fn score(&self, columns: &[f32], candidates: usize) -> Vec<f32> {
        let mut sums = vec![0.0; candidates];
        // A block's values are contiguous, so that they fit in the L1 cache for any number of candidates.
        let mut values = vec![[0.0; BLOCK]; self.inputs.len()];
        for (block, sums) in sums.chunks_mut(BLOCK).enumerate() {
            for (values, column) in values.iter_mut().zip(columns.chunks_exact(candidates.max(1))) {
                values[..sums.len()].copy_from_slice(&column[block * BLOCK..][..sums.len()]);
            }
            let mut together = [0.0; BLOCK];
            for (&slope, values) in self.slopes.iter().zip(&values).filter(|(slope, _)| **slope != 0.0) {
                add_scaled(&mut together, slope, values);
            }
            add_leaves(&mut together, &values, &self.trees);
            sums.copy_from_slice(&together[..sums.len()]);
        }
        sums
    }

    /// The part of each input in the score of one candidate; the parts add up to the score.
    ///
    /// An input of 0 has no part. In a tree, the root's part is the step to its side with all inputs below at 0; the
    /// part of the input below is the remaining step.
    pub fn parts(&self, values: &[f32]) -> Vec<f32> {
        let mut parts: Vec<f32> = self.slopes.iter().zip(values).map(|(slope, value)| slope * value).collect();
        for tree in &self.trees {
            let root = tree.inputs[0] as usize;
            let side = tree.at(|input| if input == root { values[root] } else { 0.0 });
            let below = tree.inputs[if values[root] >= tree.from[0] { 2 } else { 1 }] as usize;
            parts[root] += side;
            parts[below] += tree.at(|input| values[input]) - side;
        }
        parts
    }
}

/// The scorers of all questions.
#[derive(Clone, Debug)]
pub(crate) struct Scorers {
    /// By question.
    scorers: [Scorer; Question::ALL.len()],
    pub(crate) pre_ranking: Scorer,
}

impl Index<Question> for Scorers {
    type Output = Scorer;

    fn index(&self, question: Question) -> &Scorer {
        &self.scorers[question.position()]
    }
}

impl Scorers {
    /// Resolves the names of all blends.
    ///
    /// # Errors
    /// As [`Scorer::new`].
    pub(crate) fn new(blends: &Blends, attributes: &[String]) -> Result<Self, ModelError> {
        let scorer = |question: Question| {
            let recent = Blend::straight(&[("recent_popularity", 1.0)]);
            let (attributes, numbers) = match question {
                _ if question.is_alternatives() => (attributes, &[][..]),
                _ if question.is_offers() || question == Question::BuyAgain => (&[][..], &blends.offer_numbers[..]),
                _ => (&[][..], &[][..]),
            };
            let blend = match (question, &blends[question]) {
                (Question::BoughtTogetherNew, blend) if is_nothing(blend) => &blends[Question::BoughtTogether],
                (Question::OffersAnonymous, blend) if is_nothing(blend) => &recent,
                (Question::BuyAgain, blend) if is_nothing(blend) => &blends[Question::Offers],
                (Question::NewForYou, blend) if is_nothing(blend) => match &blends[Question::BoughtTogetherNew] {
                    new if is_nothing(new) => &blends[Question::BoughtTogether],
                    new => new,
                },
                (_, blend) => blend,
            };
            Scorer::new(blend, attributes, numbers)
        };
        let scorers: Vec<Scorer> = Question::ALL.into_iter().map(scorer).collect::<Result<_, _>>()?;
        let scorers = scorers.try_into().map_err(|_| ModelError::Length("not as many blends as questions".into()))?;
        Ok(Self { scorers, pre_ranking: Scorer::new(&blends.pre_ranking, &[], &[])? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(signals: [&str; 3], from: [f32; 3], adds: [f32; 4]) -> Tree {
        Tree { signals: signals.map(str::to_owned), from, adds }
    }

    #[test]
    fn unknown_signals_and_weights_that_are_no_numbers_are_refused() {
        let of =
            |name: &str, slope: f32| Scorer::new(&Blend::straight(&[(name, slope)]), &[], &["discount".to_owned()]);
        assert!(of("habit", 1.0).is_ok() && of("discount", 1.0).is_ok());
        assert!(of("habit", 0.0).unwrap().inputs().is_empty());
        assert!(of("habbit", 1.0).unwrap_err().to_string().contains("`habbit`"));
        assert!(of("habit", f32::NAN).is_err() && of("habit", 1e30).is_err(), "a score of it would be no number");
        let blend =
            |from: f32| Blend { trees: vec![tree(["habit"; 3], [from; 3], [0.0, 1.0, 2.0, 3.0])], ..Blend::default() };
        assert!(Scorer::new(&blend(1.0), &[], &[]).is_ok() && Scorer::new(&blend(f32::INFINITY), &[], &[]).is_err());
    }

    #[test]
    fn a_tree_goes_right_from_its_value_on_and_its_parts_sum_up() {
        let blend = Blend {
            trees: vec![tree(["purchases", "popularity", "lately"], [1.0, 2.0, 0.5], [0.0, 1.0, 2.0, 4.0])],
            ..Blend::straight(&[("taste", 0.5)])
        };
        let scorer = Scorer::new(&blend, &[], &[]).unwrap();
        assert_eq!(blend.signals(), ["lately", "popularity", "purchases", "taste"]);
        // Columns: lately, popularity, purchases, taste.
        let candidates = [[0.9, 1.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.4, 9.0, 1.0, 2.0], [0.5, 0.0, 3.0, 0.0]];
        let columns: Vec<f32> = (0..4).flat_map(|input| candidates.map(|values| values[input])).collect();
        assert_eq!(scorer.score(&columns, 4), [0.0, 1.0, 3.0, 4.0]);
        let parts = candidates.map(|values| scorer.parts(&values));
        assert_eq!(parts, [[0.0; 4], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 1.0], [2.0, 0.0, 2.0, 0.0]]);
    }

    #[test]
    fn many_candidates_score_as_each_alone() {
        let blend = Blend {
            trees: vec![tree(["habit", "lift", "taste"], [20.0, 7.0, 40.0], [0.0, 1.0, 2.0, 4.0])],
            ..Blend::straight(&[("taste", 0.5)])
        };
        let scorer = Scorer::new(&blend, &[], &[]).unwrap();
        for candidates in [0, 1, BLOCK, 2 * BLOCK + 3] {
            let value = |input: usize, at: usize| ((7 * at + 3 * input) % 50) as f32;
            let columns: Vec<f32> = (0..3).flat_map(|input| (0..candidates).map(move |at| value(input, at))).collect();
            let alone: Vec<f32> =
                (0..candidates).flat_map(|at| scorer.score(&[0, 1, 2].map(|input| value(input, at)), 1)).collect();
            assert_eq!(scorer.score(&columns, candidates), alone);
        }
    }
}
