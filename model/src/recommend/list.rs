//! The last step: a list is more than its best items.

use super::chance::Chance;
use crate::{Ask, ListRules, Model};

/// The length of list that the rules are meant for.
const SIX: usize = 6;

/// An item is a bestseller if it is among so many, and of a small catalogue among one in [`ONE_IN`].
const BESTSELLERS: u32 = 50;

const ONE_IN: u32 = 20;

/// What is bought so much oftener than by chance with what is asked about is shown whatever else there is of its category:
/// six flavours of yoghurt do go together.
const LIFT_IN_CATEGORY: f32 = 3.0;

/// The same of its line.
const LIFT_IN_LINE: f32 = 1.5;

/// The same of bestsellers.
const LIFT_OF_BESTSELLERS: f32 = 2.0;

/// What the rules for lists look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    category: Option<u32>,
    line: Option<u32>,
    is_bestseller: bool,
    /// How much oftener than by chance it is bought with what is asked about.
    lift: f32,
}

/// The kinds of the items that could answer a question.
pub struct Kinds<'a> {
    model: &'a Model,
    chance: Chance<'a>,
}

impl<'a> Kinds<'a> {
    /// For one question.
    pub fn new(model: &'a Model, ask: &'a Ask<'a>) -> Self {
        Self { model, chance: Chance::new(model, ask) }
    }

    /// The kind of an item.
    pub fn of(&self, item: u32) -> Kind {
        Kind {
            category: self.model.catalogue().category(item),
            line: self.model.lines().of(item),
            is_bestseller: item < BESTSELLERS.min(self.model.catalogue().bought() / ONE_IN),
            lift: self.chance.lift(item),
        }
    }
}

impl std::fmt::Debug for Kinds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kinds").finish_non_exhaustive()
    }
}

/// The first `wanted` of a ranking, of each kind no more than the rules have it in a list of `limit`. Where that would leave
/// the list short, the best of the others fill it up; but no two that are `apart` are in one list. The order stays that of
/// the ranking.
pub fn varied<T>(
    rules: &ListRules,
    ranking: impl IntoIterator<Item = (T, Kind)>,
    apart: impl Fn(&T, &T) -> bool,
    wanted: usize,
    limit: usize,
) -> Vec<T> {
    let most = |of_six: usize| if of_six == 0 { usize::MAX } else { (of_six * limit).div_ceil(SIX) };
    let (per_category, per_line, bestsellers) =
        (most(rules.per_category), most(rules.per_line), most(rules.bestsellers));
    // A list is short: to look through it is less work than to keep counts.
    let mut list: Vec<(usize, T, Kind)> = Vec::with_capacity(wanted);
    let mut others = Vec::new();
    for (rank, (item, kind)) in ranking.into_iter().enumerate() {
        if list.len() == wanted {
            break;
        }
        if list.iter().any(|(_, other, _)| apart(other, &item)) {
            continue;
        }
        let taken = |same: &dyn Fn(&Kind) -> bool| list.iter().filter(|(_, _, other)| same(other)).count();
        let is_full = |wanted: bool, most: usize, lift: f32, same: &dyn Fn(&Kind) -> bool| {
            wanted && kind.lift < lift && taken(same) >= most
        };
        let is_one_too_many =
            is_full(kind.category.is_some(), per_category, LIFT_IN_CATEGORY, &|other| other.category == kind.category)
                || is_full(kind.line.is_some(), per_line, LIFT_IN_LINE, &|other| other.line == kind.line)
                || is_full(kind.is_bestseller, bestsellers, LIFT_OF_BESTSELLERS, &|other| other.is_bestseller);
        if is_one_too_many { others.push((rank, item, kind)) } else { list.push((rank, item, kind)) }
    }
    for (rank, item, kind) in others {
        if list.len() < wanted && !list.iter().any(|(_, other, _)| apart(other, &item)) {
            list.push((rank, item, kind));
        }
    }
    list.sort_unstable_by_key(|(rank, ..)| *rank);
    list.into_iter().map(|(_, item, _)| item).collect()
}
