//! The weights of the signals, one set for each question.

use std::collections::BTreeMap;

use crate::signals;

/// Named weights as the artefact stores them.
pub type Weights = BTreeMap<String, f32>;

/// The weights of all questions as the artefact stores them.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
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
}

/// A weighted sum of signals: the number of each in [`signals::ALL`] and its weight.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blend(Vec<(usize, f32)>);

impl Blend {
    /// Looks the names up; signals of weight 0 are left out.
    ///
    /// # Errors
    /// In words: a name that no signal has, or a weight that is not finite.
    pub(crate) fn new(weights: &Weights) -> Result<Self, String> {
        let mut terms = Vec::with_capacity(weights.len());
        for (name, &weight) in weights {
            let signal =
                signals::index(name).ok_or_else(|| format!("a weight for `{name}`, a signal that is not known"))?;
            if !weight.is_finite() {
                return Err(format!("the weight of `{name}` is not a finite number"));
            }
            if weight != 0.0 {
                terms.push((signal, weight));
            }
        }
        terms.sort_unstable_by_key(|&(signal, _)| signal);
        Ok(Self(terms))
    }

    /// The signals' numbers with their weights.
    pub(crate) fn terms(&self) -> &[(usize, f32)] {
        &self.0
    }
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
mod tests {
    use super::*;

    #[test]
    fn unknown_signals_and_weights_that_are_no_numbers_are_refused() {
        let one = |name: &str, weight| Blend::new(&Weights::from([(name.to_owned(), weight)]));
        assert!(one("habit", 1.0).is_ok());
        assert_eq!(one("habit", 0.0).unwrap().terms(), []);
        assert!(one("habbit", 1.0).unwrap_err().contains("`habbit`"));
        assert!(one("habit", f32::NAN).is_err());
    }
}
