use std::collections::HashMap;

use trolley_model::recommend::Prefer;
use trolley_model::{Item, Model, MustMatch, MustMatches};

use super::replacements::{ReplacementCounts, Replacements};
use super::rules::Rulebook;

/// The price options of alternatives, relative to the requested item.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PriceOptions {
    /// Alternatives to list first.
    pub prefer: Option<Prefer>,
    /// Maximum relative difference in the price per litre, kilogram or piece.
    pub band: Option<f32>,
}

/// Which items may replace which, by the shop's rules and the customers' decisions, in the numbers of a model.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplacementRules {
    must_match: MustMatches,
    /// By requested item: its replacements with their counts.
    replacements: HashMap<Item, Vec<(Item, ReplacementCounts)>>,
}

/// Why an item may not replace another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Forbidden<'a> {
    /// It differs in this attribute, which must match.
    Attribute(&'a str),
    /// Customers mostly reject it.
    Rejected(ReplacementCounts),
}

impl ReplacementRules {
    /// From the config, the pushed rules and the customers' decisions.
    pub(super) fn new(config: &[MustMatch], rules: Option<&Rulebook>, said: &Replacements, model: &Model) -> Self {
        let pushed = rules.into_iter().flat_map(Rulebook::must_match);
        let position = |id: &str| model.catalogue().position(id);
        let mut replacements: HashMap<Item, Vec<(Item, ReplacementCounts)>> = HashMap::new();
        for (item, replacement, taken) in said.iter() {
            if let (Some(item), Some(replacement)) = (position(item), position(replacement)) {
                replacements.entry(item).or_default().push((replacement, taken));
            }
        }
        replacements.values_mut().for_each(|said| said.sort_unstable_by_key(|(item, _)| *item));
        Self { must_match: MustMatches::new(config.iter().chain(pushed), model), replacements }
    }

    /// The replacements of an item with their counts, by ascending item.
    pub(super) fn of(&self, item: Item) -> &[(Item, ReplacementCounts)] {
        self.replacements.get(&item).map_or(&[], Vec::as_slice)
    }

    /// Why `other` may not replace `item`; `None` if it may.
    pub(super) fn forbids(&self, model: &Model, item: Item, other: Item) -> Option<Forbidden<'_>> {
        if let Some(attribute) = self.must_match.forbids(model, item, other) {
            return Some(Forbidden::Attribute(attribute));
        }
        let said = self.of(item);
        let taken = said.binary_search_by_key(&other, |(item, _)| *item).ok().map(|at| said[at].1)?;
        taken.is_mostly_rejected().then_some(Forbidden::Rejected(taken))
    }
}
