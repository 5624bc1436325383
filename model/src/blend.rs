//! What each signal counts in a score, one blend for each question.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scorer::Scorer;

/// A score: a sum of straight parts and of small trees over signals, as the artefact stores it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blend {
    /// So much per unit of each signal, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slopes: BTreeMap<String, f32>,
    /// What is added to that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trees: Vec<Tree>,
}

/// A tree of two levels. It says what a straight line cannot: that nine purchases are not nine times as good as one, or
/// that popularity counts for what is new to the customer only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The signals at the root, below it on the left, and on the right.
    pub signals: [String; 3],
    /// From this value on it goes to the right.
    pub from: [f32; 3],
    /// What the leaves add, from the left; 0 where all signals are 0.
    pub adds: [f32; 4],
}

impl Blend {
    /// Straight parts alone.
    pub fn straight(slopes: &[(&str, f32)]) -> Self {
        let slopes = slopes.iter().map(|&(name, slope)| (name.to_owned(), slope)).collect();
        Self { slopes, trees: Vec::new() }
    }

    /// The names of all signals that it uses, in order, each once.
    pub fn signals(&self) -> Vec<&str> {
        let straight = self.slopes.iter().filter(|(_, slope)| **slope != 0.0).map(|(name, _)| name);
        let mut names: Vec<&str> =
            straight.chain(self.trees.iter().flat_map(|tree| &tree.signals)).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// True if no number in it is infinite or none at all.
    pub(crate) fn is_sound(&self) -> bool {
        let of_trees = self.trees.iter().flat_map(|tree| tree.from.iter().chain(&tree.adds));
        self.slopes.values().chain(of_trees).all(|number| number.abs() <= LARGEST)
    }
}

/// The largest number that a model may hold: a score of many stays finite.
pub(crate) const LARGEST: f32 = 1e12;

/// The blends of all questions as the artefact stores them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blends {
    /// Bought together, anonymous to be asking.
    pub bought_together_anonymous: Blend,
    /// Bought together, for a known customer.
    pub bought_together: Blend,
    /// Bought together, for a known customer, of what they have never bought; where nothing was learned, the blend above.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub bought_together_new: Blend,
    /// Bought together, for a known customer: which of many candidates are scored by that. Straight weights of the
    /// [`CHEAP`](crate::signals::CHEAP) signals; older artefacts score fewer candidates.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub pre_ranking: Blend,
    /// Alternatives, anonymous to be asking.
    pub alternatives_anonymous: Blend,
    /// Alternatives, for a known customer.
    pub alternatives: Blend,
    /// Offers for a known customer.
    pub offers: Blend,
    /// Offers for anonymous customers; older artefacts rank them by what sells now.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub offers_anonymous: Blend,
    /// The names of the offers' own numbers, which stand beside the signals in the blend of offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offer_numbers: Vec<String>,
    /// What a list of what is bought together keeps to beside the scores; older artefacts have no such rules.
    #[serde(default = "ListRules::none", skip_serializing_if = "ListRules::is_none")]
    pub list: ListRules,
    /// What a list of alternatives keeps to beside the scores; older artefacts have no such rules.
    #[serde(default = "AlternativeRules::none", skip_serializing_if = "AlternativeRules::is_none")]
    pub alternative_rules: AlternativeRules,
}

/// What a list of alternatives keeps to beside the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlternativeRules {
    /// Of six items so many are without a [`Flaw`](crate::Flaw) at the least, as far as there are any. With six, those with a
    /// flaw are shown only where fewer than three have none, the least first.
    pub flawless: usize,
}

impl Default for AlternativeRules {
    fn default() -> Self {
        Self { flawless: 6 }
    }
}

impl AlternativeRules {
    /// No rules: the best items, whatever speaks against them, but not what is not sold any more.
    pub fn none() -> Self {
        Self { flawless: 0 }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_none(&self) -> bool {
        *self == Self::none()
    }
}

/// What a list of what is bought together keeps to beside the scores. Of longer lists than six as large a share; where a
/// list would be short, the best of the others fill it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListRules {
    /// Of six items at most so many are of one category, unless bought three times as often as by chance with what is asked
    /// about; 0 for any number.
    pub per_category: usize,
    /// The same of one product line, items whose names differ in their size alone, unless bought half as often again.
    pub per_line: usize,
    /// At most so many are among the market's 50 best-selling (of a catalogue below 1,000 items one in twenty), unless bought
    /// twice as often as by chance; 0 for any number.
    pub bestsellers: usize,
    /// Whether items are left out that are bought with what is asked about surely less often than by chance.
    pub above_chance: bool,
}

fn is_nothing(blend: &Blend) -> bool {
    *blend == Blend::default()
}

impl Default for ListRules {
    fn default() -> Self {
        Self { per_category: 2, per_line: 1, bestsellers: 2, above_chance: true }
    }
}

impl ListRules {
    /// No rules: the best items, whatever they are.
    pub fn none() -> Self {
        Self { per_category: 0, per_line: 0, bestsellers: 0, above_chance: false }
    }

    fn is_none(&self) -> bool {
        *self == Self::none()
    }
}

impl Blends {
    fn each(&mut self) -> [&mut Blend; 7] {
        let Self {
            bought_together_anonymous,
            bought_together,
            bought_together_new,
            alternatives_anonymous,
            alternatives,
            offers,
            offers_anonymous,
            ..
        } = self;
        [
            bought_together_anonymous,
            bought_together,
            bought_together_new,
            alternatives_anonymous,
            alternatives,
            offers,
            offers_anonymous,
        ]
    }

    /// All but the trees.
    pub(crate) fn straight(&self) -> Self {
        let mut straight = self.clone();
        straight.each().into_iter().for_each(|blend| blend.trees = Vec::new());
        straight
    }

    /// The trees alone.
    pub(crate) fn trees(&self) -> Self {
        let (list, pre_ranking) = (ListRules::none(), Blend::default());
        let alternative_rules = AlternativeRules::none();
        let mut trees = Self { offer_numbers: Vec::new(), list, alternative_rules, pre_ranking, ..self.clone() };
        trees.each().into_iter().for_each(|blend| blend.slopes = BTreeMap::new());
        trees
    }

    /// The trees of `trees` put to what is here.
    pub(crate) fn with_trees(mut self, mut trees: Self) -> Self {
        for (blend, from) in self.each().into_iter().zip(trees.each()) {
            blend.trees = std::mem::take(&mut from.trees);
        }
        self
    }
}

/// The blends of all questions, ready to score.
#[derive(Clone, Debug)]
pub(crate) struct Scorers {
    pub(crate) bought_together_anonymous: Scorer,
    pub(crate) bought_together: Scorer,
    pub(crate) bought_together_new: Scorer,
    pub(crate) pre_ranking: Scorer,
    pub(crate) alternatives_anonymous: Scorer,
    pub(crate) alternatives: Scorer,
    pub(crate) offers: Scorer,
    pub(crate) offers_anonymous: Scorer,
}

impl Scorers {
    /// Looks up the signals of all blends.
    ///
    /// # Errors
    /// As [`Scorer::new`].
    pub(crate) fn new(blends: &Blends, attributes: &[String]) -> Result<Self, String> {
        let scorer = |blend: &Blend| Scorer::new(blend, &[], &[]);
        Ok(Self {
            bought_together_anonymous: scorer(&blends.bought_together_anonymous)?,
            bought_together: scorer(&blends.bought_together)?,
            bought_together_new: scorer(if is_nothing(&blends.bought_together_new) {
                &blends.bought_together
            } else {
                &blends.bought_together_new
            })?,
            pre_ranking: scorer(&blends.pre_ranking)?,
            alternatives_anonymous: Scorer::new(&blends.alternatives_anonymous, attributes, &[])?,
            alternatives: Scorer::new(&blends.alternatives, attributes, &[])?,
            offers: Scorer::new(&blends.offers, &[], &blends.offer_numbers)?,
            offers_anonymous: if is_nothing(&blends.offers_anonymous) {
                scorer(&Blend::straight(&[("recent_popularity", 1.0)]))?
            } else {
                Scorer::new(&blends.offers_anonymous, &[], &blends.offer_numbers)?
            },
        })
    }
}
