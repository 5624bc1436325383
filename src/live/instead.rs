use std::collections::HashMap;

use trolley_model::recommend::Prefer;
use trolley_model::{Model, MustMatch, MustMatches};

use super::replacements::{Replacements, Taken};
use super::rules::Rulebook;

/// What an alternative may cost, beside what it stands in for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PriceWish {
    /// Which come first.
    pub prefer: Option<Prefer>,
    /// Only those whose price per litre, kilogram or piece is so much above or below at the most, as a share.
    pub band: Option<f32>,
}

/// What the shop and its customers say of which item may stand in for which, in the numbers of a model.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    must_match: MustMatches,
    /// By the item asked about and its replacement.
    replacements: HashMap<u32, Vec<(u32, Taken)>>,
}

/// Why an item may not stand in for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Forbidden<'a> {
    /// It differs in this attribute.
    Attribute(&'a str),
    /// Customers refuse it.
    Rejected(Taken),
}

impl Standing {
    /// By the config, the rules that were pushed, and what customers said.
    pub(super) fn new(config: &[MustMatch], rules: Option<&Rulebook>, said: &Replacements, model: &Model) -> Self {
        let pushed = rules.into_iter().flat_map(Rulebook::must_match);
        let position = |id: &str| model.catalogue().items().position(id);
        let mut replacements: HashMap<u32, Vec<(u32, Taken)>> = HashMap::new();
        for (item, replacement, taken) in said.iter() {
            if let (Some(item), Some(replacement)) = (position(item), position(replacement)) {
                replacements.entry(item).or_default().push((replacement, taken));
            }
        }
        replacements.values_mut().for_each(|said| said.sort_unstable_by_key(|(item, _)| *item));
        Self { must_match: MustMatches::new(config.iter().chain(pushed), model), replacements }
    }

    /// What customers said of the replacements of an item, by rising item.
    pub(super) fn of(&self, item: u32) -> &[(u32, Taken)] {
        self.replacements.get(&item).map_or(&[], Vec::as_slice)
    }

    /// Why `other` may not stand in for `item`, if it may not.
    pub(super) fn forbids(&self, model: &Model, item: u32, other: u32) -> Option<Forbidden<'_>> {
        if let Some(attribute) = self.must_match.forbids(model, item, other) {
            return Some(Forbidden::Attribute(attribute));
        }
        let said = self.of(item);
        let taken = said.binary_search_by_key(&other, |(item, _)| *item).ok().map(|at| said[at].1)?;
        taken.is_mostly_rejected().then_some(Forbidden::Rejected(taken))
    }
}
