//! What each signal counts in a score, one set of weights for each question.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::signals;

/// Weights by the name of the signal, as the artefact stores them.
pub type Weights = BTreeMap<String, Weight>;

/// How much a signal's value adds to the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Weight {
    /// So much per unit.
    Slope(f32),
    /// A curve over the value, as it is learned.
    Steps(Steps),
}

/// A straight line and a step function on top of it: `adds[0]` below `from[0]`, then `adds[i + 1]` from `from[i]` on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// So much per unit.
    pub slope: f32,
    /// Where the steps are, rising.
    pub from: Vec<f32>,
    /// The levels, one more than there are steps.
    pub adds: Vec<f32>,
}

impl Steps {
    /// What a value adds.
    pub fn at(&self, value: f32) -> f32 {
        self.slope * value + self.adds[self.from.partition_point(|from| *from <= value)]
    }

    fn check(&self) -> bool {
        self.adds.len() == self.from.len() + 1
            && self.from.iter().chain(&self.adds).chain([&self.slope]).all(|number| number.is_finite())
            && self.from.windows(2).all(|pair| pair[0] < pair[1])
    }
}

impl Weight {
    /// What a value adds.
    pub fn of(&self, value: f32) -> f32 {
        match self {
            Self::Slope(slope) => slope * value,
            Self::Steps(steps) => steps.at(value),
        }
    }

    /// Adds what each value adds to the sum at its place.
    pub(crate) fn add(&self, values: &[f32], sums: &mut [f32]) {
        match self {
            Self::Slope(slope) => sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += slope * value),
            Self::Steps(steps) => sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += steps.at(value)),
        }
    }

    /// True if every number is finite and the steps rise.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Slope(slope) => slope.is_finite(),
            Self::Steps(steps) => steps.check(),
        }
    }
}

/// The weights of all questions as the artefact stores them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlendWeights {
    /// Bought together, nobody known to be asking.
    pub bought_together_anonymous: Weights,
    /// Bought together, for a known customer.
    pub bought_together: Weights,
    /// Alternatives, nobody known to be asking.
    pub alternatives_anonymous: Weights,
    /// Alternatives, for a known customer.
    pub alternatives: Weights,
    /// Offers for a known customer.
    pub offers: Weights,
    /// What the offers' own numbers add to that, by the numbers' names.
    #[serde(default, skip_serializing_if = "Weights::is_empty")]
    pub offer_numbers: Weights,
}

/// A sum over signals: the number of each in [`signals::ALL`] and its weight.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blend(Vec<(usize, Weight)>);

impl Blend {
    /// Looks the names up; signals of weight 0 are left out.
    ///
    /// # Errors
    /// In words: a name that no signal has, or a weight that is not sound.
    pub(crate) fn new(weights: &Weights) -> Result<Self, String> {
        let mut terms = Vec::with_capacity(weights.len());
        for (name, weight) in weights {
            let signal =
                signals::index(name).ok_or_else(|| format!("a weight for `{name}`, a signal that is not known"))?;
            if !weight.is_sound() {
                return Err(unsound(name));
            }
            if *weight != Weight::Slope(0.0) {
                terms.push((signal, weight.clone()));
            }
        }
        terms.sort_unstable_by_key(|&(signal, _)| signal);
        Ok(Self(terms))
    }

    /// The signals' numbers with their weights.
    pub(crate) fn terms(&self) -> &[(usize, Weight)] {
        &self.0
    }
}

fn unsound(name: &str) -> String {
    format!("the weight of `{name}` holds a number that is not finite, or steps that do not rise")
}

/// The blends of all questions; see [`BlendWeights`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blends {
    pub(crate) bought_together_anonymous: Blend,
    pub(crate) bought_together: Blend,
    pub(crate) alternatives_anonymous: Blend,
    pub(crate) alternatives: Blend,
    pub(crate) offers: Blend,
}

impl Blends {
    /// Looks up the names in all sets.
    ///
    /// # Errors
    /// As [`Blend::new`].
    pub(crate) fn new(weights: &BlendWeights) -> Result<Self, String> {
        if let Some((name, _)) = weights.offer_numbers.iter().find(|(_, weight)| !weight.is_sound()) {
            return Err(unsound(name));
        }
        Ok(Self {
            bought_together_anonymous: Blend::new(&weights.bought_together_anonymous)?,
            bought_together: Blend::new(&weights.bought_together)?,
            alternatives_anonymous: Blend::new(&weights.alternatives_anonymous)?,
            alternatives: Blend::new(&weights.alternatives)?,
            offers: Blend::new(&weights.offers)?,
        })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers have exact results")]
mod tests {
    use super::*;

    fn blend(name: &str, weight: Weight) -> Result<Blend, String> {
        Blend::new(&Weights::from([(name.to_owned(), weight)]))
    }

    #[test]
    fn unknown_signals_and_weights_that_are_no_numbers_are_refused() {
        assert!(blend("habit", Weight::Slope(1.0)).is_ok());
        assert_eq!(blend("habit", Weight::Slope(0.0)).unwrap().terms(), []);
        assert!(blend("habbit", Weight::Slope(1.0)).unwrap_err().contains("`habbit`"));
        assert!(blend("habit", Weight::Slope(f32::NAN)).is_err());
    }

    #[test]
    fn steps_hold_from_their_beginning_on() {
        let steps = Steps { slope: 0.0, from: vec![0.5, 2.0], adds: vec![-1.0, 0.0, 3.0] };
        let levels: Vec<f32> = [0.0, 0.5, 1.9, 2.0, 9.0].into_iter().map(|value| steps.at(value)).collect();
        assert_eq!(levels, [-1.0, 0.0, 0.0, 3.0, 3.0]);
        assert_eq!(Steps { slope: 0.5, ..steps }.at(2.0), 4.0);
        for (from, adds) in [(vec![1.0], vec![0.0]), (vec![2.0, 1.0], vec![0.0; 3]), (vec![f32::NAN], vec![0.0; 2])] {
            assert!(blend("habit", Weight::Steps(Steps { slope: 0.0, from, adds })).is_err());
        }
    }
}
