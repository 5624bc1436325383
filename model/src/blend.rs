//! What each signal counts in a score, one blend for each question.

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use crate::error::LARGEST;
use crate::question::Question;

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

/// The blends of all questions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredBlends", into = "StoredBlends")]
pub struct Blends {
    /// In the order of [`Question::ALL`].
    pub blends: [Blend; Question::ALL.len()],
    /// Bought together, for a known customer: which of many candidates are scored by the blend of the question. Straight
    /// weights of the [`CHEAP`](crate::signals::CHEAP) signals; older artefacts score fewer candidates.
    pub pre_ranking: Blend,
    /// The names of the offers' own numbers, which stand beside the signals in the blend of offers.
    pub offer_numbers: Vec<String>,
    /// The rules of a list of what is bought together, beside the scores; older artefacts have none.
    pub list: ListRules,
    /// The rules of a list of alternatives, beside the scores; older artefacts have none.
    pub alternative_rules: AlternativeRules,
}

impl Index<Question> for Blends {
    type Output = Blend;

    fn index(&self, question: Question) -> &Blend {
        &self.blends[question.position()]
    }
}

impl IndexMut<Question> for Blends {
    fn index_mut(&mut self, question: Question) -> &mut Blend {
        &mut self.blends[question.position()]
    }
}

/// [`Blends`] as the artefact stores them. Where nothing was learned for what is new to a customer, the blend of bought together
/// serves; where nothing was for the offers of anonymous customers, recent popularity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBlends {
    bought_together_anonymous: Blend,
    bought_together: Blend,
    #[serde(default, skip_serializing_if = "is_nothing")]
    bought_together_new: Blend,
    #[serde(default, skip_serializing_if = "is_nothing")]
    pre_ranking: Blend,
    alternatives_anonymous: Blend,
    alternatives: Blend,
    offers: Blend,
    #[serde(default, skip_serializing_if = "is_nothing")]
    offers_anonymous: Blend,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    offer_numbers: Vec<String>,
    #[serde(default = "ListRules::none", skip_serializing_if = "ListRules::is_none")]
    list: ListRules,
    #[serde(default = "AlternativeRules::none", skip_serializing_if = "AlternativeRules::is_none")]
    alternative_rules: AlternativeRules,
}

impl From<StoredBlends> for Blends {
    fn from(stored: StoredBlends) -> Self {
        let blends = [
            stored.bought_together_anonymous,
            stored.bought_together,
            stored.bought_together_new,
            stored.alternatives_anonymous,
            stored.alternatives,
            stored.offers,
            stored.offers_anonymous,
        ];
        let StoredBlends { pre_ranking, offer_numbers, list, alternative_rules, .. } = stored;
        Self { blends, pre_ranking, offer_numbers, list, alternative_rules }
    }
}

impl From<Blends> for StoredBlends {
    fn from(blends: Blends) -> Self {
        let Blends { blends, pre_ranking, offer_numbers, list, alternative_rules } = blends;
        let [
            bought_together_anonymous,
            bought_together,
            bought_together_new,
            alternatives_anonymous,
            alternatives,
            offers,
            offers_anonymous,
        ] = blends;
        Self {
            bought_together_anonymous,
            bought_together,
            bought_together_new,
            pre_ranking,
            alternatives_anonymous,
            alternatives,
            offers,
            offers_anonymous,
            offer_numbers,
            list,
            alternative_rules,
        }
    }
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

pub(crate) fn is_nothing(blend: &Blend) -> bool {
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
    /// Those of some questions; of the others none.
    pub fn of(blends: impl IntoIterator<Item = (Question, Blend)>) -> Self {
        let mut all = Self::default();
        blends.into_iter().for_each(|(question, blend)| all[question] = blend);
        all
    }

    /// All but the trees.
    pub(crate) fn straight(&self) -> Self {
        let mut straight = self.clone();
        straight.blends.iter_mut().for_each(|blend| blend.trees = Vec::new());
        straight
    }

    /// The trees alone.
    pub(crate) fn trees(&self) -> Self {
        let blends = self.blends.clone().map(|blend| Blend { slopes: BTreeMap::new(), ..blend });
        let (list, alternative_rules) = (ListRules::none(), AlternativeRules::none());
        Self { blends, list, alternative_rules, pre_ranking: Blend::default(), offer_numbers: Vec::new() }
    }

    /// The trees of `trees` put to what is here.
    pub(crate) fn with_trees(mut self, trees: Self) -> Self {
        self.blends.iter_mut().zip(trees.blends).for_each(|(blend, from)| blend.trees = from.trees);
        self
    }
}
