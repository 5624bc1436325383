//! The last step: diversification of a ranked list.

use super::chance::Chance;
use crate::{Category, Item, ListRules, Model, Query};

/// The list length that [`ListRules`] are specified for.
const SIX: usize = 6;

/// Number of items that count as bestsellers; in a small catalogue, one in [`ONE_IN`].
const BESTSELLERS: u32 = 50;

const ONE_IN: u32 = 20;

/// From this lift with the query on, an item is shown however many of its category are: six flavours of yoghurt do go
/// together.
const LIFT_IN_CATEGORY: f32 = 3.0;

/// The same for its product line.
const LIFT_IN_LINE: f32 = 1.5;

/// The same for bestsellers.
const LIFT_OF_BESTSELLERS: f32 = 2.0;

/// The attributes of an item that the list rules use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    category: Option<Category>,
    line: Option<u32>,
    is_bestseller: bool,
    /// Its lift with the query.
    lift: f32,
}

/// Looks up the [`Kind`] of the candidates of one question.
pub struct Kinds<'a> {
    model: &'a Model,
    chance: Chance<'a>,
}

impl<'a> Kinds<'a> {
    /// For one question.
    pub fn new(model: &'a Model, query: &'a Query<'a>) -> Self {
        Self { model, chance: Chance::new(model, query) }
    }

    /// The attributes of an item.
    pub fn of(&self, item: Item) -> Kind {
        Kind {
            category: self.model.catalogue().category(item),
            line: self.model.product_lines().of(item),
            is_bestseller: item.0 < BESTSELLERS.min(self.model.catalogue().bought() / ONE_IN),
            lift: self.chance.lift(item),
        }
    }
}

impl Kind {
    /// The attributes of an offer, by its most relevant item. Bestsellers are not limited, since offers often consist
    /// of them, and there is no query to compute a lift with.
    pub(super) fn on_offer(model: &Model, item: Option<Item>) -> Self {
        Self {
            category: item.and_then(|item| model.catalogue().category(item)),
            line: item.and_then(|item| model.product_lines().of(item)),
            is_bestseller: false,
            lift: 1.0,
        }
    }
}

impl std::fmt::Debug for Kinds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kinds").finish_non_exhaustive()
    }
}

/// The first `wanted` items of a ranking, with no more of a category, product line or bestsellers than the rules allow
/// in a list of `limit`. If that leaves the list short, the best of the remaining items fill it; but two items that are
/// `apart` are never in one list. The order of the ranking is retained.
pub fn varied<T>(
    rules: &ListRules,
    ranking: impl IntoIterator<Item = (T, Kind)>,
    apart: impl Fn(&T, &T) -> bool,
    wanted: usize,
    limit: usize,
) -> Vec<T> {
    let most = |of_six: usize| if of_six == 0 { usize::MAX } else { of_six.saturating_mul(limit).div_ceil(SIX) };
    let (per_category, per_line, bestsellers) =
        (most(rules.per_category), most(rules.per_line), most(rules.bestsellers));
    // Lists are short, so a scan is cheaper than counters.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An item with its category, product line, whether it is a bestseller, and its lift.
    fn of(category: u32, line: u32, is_bestseller: bool, lift: f32) -> Kind {
        Kind { category: Some(Category(category)), line: Some(line), is_bestseller, lift }
    }

    /// The ranks shown in a list of six.
    fn shown(rules: ListRules, kinds: &[Kind]) -> Vec<usize> {
        varied(&rules, kinds.iter().copied().enumerate(), |_, _| false, 6, 6)
    }

    /// A test's items, followed by ten unrelated ones.
    fn before_others(kinds: &[Kind]) -> Vec<Kind> {
        kinds.iter().copied().chain((100..110).map(|other| of(other, other, false, 1.0))).collect()
    }

    #[test]
    fn two_of_a_category_one_of_a_line_and_two_bestsellers() {
        let rules = ListRules::default();
        let of_category = before_others(&[of(0, 0, false, 1.0), of(0, 1, false, 1.0), of(0, 2, false, 1.0)]);
        assert_eq!(shown(rules, &of_category), [0, 1, 3, 4, 5, 6]);
        let of_line = before_others(&[of(0, 0, false, 1.0), of(1, 0, false, 1.0)]);
        assert_eq!(shown(rules, &of_line), [0, 2, 3, 4, 5, 6]);
        let bestsellers = before_others(&[of(0, 0, true, 1.0), of(1, 1, true, 1.0), of(2, 2, true, 1.0)]);
        assert_eq!(shown(rules, &bestsellers), [0, 1, 3, 4, 5, 6]);
        for kinds in [&of_category, &of_line, &bestsellers] {
            assert_eq!(shown(ListRules::none(), kinds), [0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn what_goes_with_the_item_is_shown_all_the_same() {
        let all = [0, 1, 2, 3, 4, 5];
        let of_category = |lift| before_others(&[of(0, 0, false, 1.0), of(0, 1, false, 1.0), of(0, 2, false, lift)]);
        assert!(shown(ListRules::default(), &of_category(3.0)) == all);
        assert!(shown(ListRules::default(), &of_category(2.9)) != all);
        let of_line = |lift| before_others(&[of(0, 0, false, 1.0), of(1, 0, false, lift)]);
        assert!(shown(ListRules::default(), &of_line(1.5)) == all && shown(ListRules::default(), &of_line(1.4)) != all);
        let best = |lift| before_others(&[of(0, 0, true, 1.0), of(1, 1, true, 1.0), of(2, 2, true, lift)]);
        assert!(shown(ListRules::default(), &best(2.0)) == all && shown(ListRules::default(), &best(1.9)) != all);
    }

    #[test]
    fn what_must_not_stand_beside_each_other_does_not_even_in_a_short_list() {
        let kinds = [of(0, 0, false, 1.0), of(0, 0, false, 1.0), of(1, 1, false, 1.0), of(2, 2, false, 1.0)];
        let apart = |one: &usize, other: &usize| one.abs_diff(*other) == 2;
        let list = varied(&ListRules::default(), kinds.into_iter().enumerate(), apart, 6, 6);
        assert_eq!(list, [0, 3], "2 is apart from 0, and 1, which would fill up, from 3");
        let huge = ListRules { per_category: usize::MAX, ..ListRules::default() };
        assert_eq!(varied(&huge, kinds.into_iter().enumerate(), |_, _| false, 6, 6), [0, 1, 2, 3]);
    }
}
