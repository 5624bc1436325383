//! The weights of signals in a score, one blend per question.

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use crate::error::LARGEST;
use crate::question::Question;

/// A score as the artefact stores it: a linear part plus small trees over signals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blend {
    /// The linear weight of each signal, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slopes: BTreeMap<String, f32>,
    /// The trees, added to the linear part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trees: Vec<Tree>,
}

/// A tree of two levels. It expresses what a linear weight cannot: that nine purchases are not nine times as good as
/// one, or that popularity matters only for items new to the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The signals at the root, below it on the left, and on the right.
    pub signals: [String; 3],
    /// The thresholds: a value from here on goes to the right.
    pub from: [f32; 3],
    /// The values of the leaves, from the left; 0 for the leaf that is reached if all signals are 0.
    pub adds: [f32; 4],
}

impl Blend {
    /// A blend without trees.
    pub fn straight(slopes: &[(&str, f32)]) -> Self {
        let slopes = slopes.iter().map(|&(name, slope)| (name.to_owned(), slope)).collect();
        Self { slopes, trees: Vec::new() }
    }

    /// The distinct names of all signals in use, sorted.
    pub fn signals(&self) -> Vec<&str> {
        let straight = self.slopes.iter().filter(|(_, slope)| **slope != 0.0).map(|(name, _)| name);
        let mut names: Vec<&str> =
            straight.chain(self.trees.iter().flat_map(|tree| &tree.signals)).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// True if all numbers are finite and within bounds.
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
    /// Pre-ranking of bought together for a known customer: linear weights of the [`CHEAP`](crate::signals::CHEAP)
    /// signals that select the candidates to score. If it is empty, as in older artefacts, all candidates are scored.
    pub pre_ranking: Blend,
    /// The names of the offers' own numbers, which the blend of offers uses besides signals.
    pub offer_numbers: Vec<String>,
    /// The rules for lists of bought together; older artefacts have none.
    pub list: ListRules,
    /// The rules for lists of alternatives; older artefacts have none.
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

/// [`Blends`] as the artefact stores them. Without a blend for items new to the customer, that of bought together is
/// used; without one for the offers of anonymous customers, recent popularity; without one for what is bought again, that
/// of offers; without one for what is new for a customer, that of items new to the customer.
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
    #[serde(default, skip_serializing_if = "is_nothing")]
    buy_again: Blend,
    #[serde(default, skip_serializing_if = "is_nothing")]
    new_for_you: Blend,
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
            stored.buy_again,
            stored.new_for_you,
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
            buy_again,
            new_for_you,
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
            buy_again,
            new_for_you,
            offer_numbers,
            list,
            alternative_rules,
        }
    }
}

/// Rules for lists of alternatives, in addition to the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlternativeRules {
    /// Minimum number of six alternatives without a [`Flaw`](crate::Flaw), if there are enough. With 6, flawed ones are
    /// shown only if fewer than three are flawless, those with the smallest flaw first.
    pub flawless: usize,
}

impl Default for AlternativeRules {
    fn default() -> Self {
        Self { flawless: 6 }
    }
}

impl AlternativeRules {
    /// No rules: the best items with or without flaws, except items no longer sold.
    pub fn none() -> Self {
        Self { flawless: 0 }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_none(&self) -> bool {
        *self == Self::none()
    }
}

/// Rules for lists of bought together, in addition to the scores. Limits are for lists of six and scale with the
/// length; if they leave a list short, the best of the other items fill it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListRules {
    /// Maximum number of items of one category in a list of six, except items with a lift of 3 or more with the query;
    /// 0 for no limit.
    pub per_category: usize,
    /// The same for one product line (items whose names differ only in size), except items with a lift of 1.5 or more.
    pub per_line: usize,
    /// The same for the market's 50 bestsellers (in a catalogue below 1,000 items one in twenty), except items with a
    /// lift of 2 or more; 0 for no limit.
    pub bestsellers: usize,
    /// Whether items are left out that are significantly less often bought with the query than by chance.
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
    /// No rules: the best items.
    pub fn none() -> Self {
        Self { per_category: 0, per_line: 0, bestsellers: 0, above_chance: false }
    }

    fn is_none(&self) -> bool {
        *self == Self::none()
    }
}

impl Blends {
    /// The given blends; empty ones for other questions.
    pub fn of(blends: impl IntoIterator<Item = (Question, Blend)>) -> Self {
        let mut all = Self::default();
        blends.into_iter().for_each(|(question, blend)| all[question] = blend);
        all
    }

    /// The blends without their trees.
    pub(crate) fn straight(&self) -> Self {
        let mut straight = self.clone();
        straight.blends.iter_mut().for_each(|blend| blend.trees = Vec::new());
        straight
    }

    /// The trees without everything else.
    pub(crate) fn trees(&self) -> Self {
        let blends = self.blends.clone().map(|blend| Blend { slopes: BTreeMap::new(), ..blend });
        let (list, alternative_rules) = (ListRules::none(), AlternativeRules::none());
        Self { blends, list, alternative_rules, pre_ranking: Blend::default(), offer_numbers: Vec::new() }
    }

    /// Replaces the trees by those of `trees`.
    pub(crate) fn with_trees(mut self, trees: Self) -> Self {
        self.blends.iter_mut().zip(trees.blends).for_each(|(blend, from)| blend.trees = from.trees);
        self
    }
}
