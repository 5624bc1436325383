use super::{Limits, Recommended};
use crate::co_purchases::closeness;
use crate::{Category, Item, Model, Query};

/// The source of an item: the model, or a fallback, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// A rule of the shop.
    Pinned,
    /// The blend of all signals.
    Model,
    /// Partners of the query items' categories, which take turns; for alternatives, bestsellers of the category.
    Category,
    /// The items that the customer buys most.
    Habits,
    /// All items by their baskets in the last days of the period, even items never sold. For offers: anonymous
    /// customers, and offers without a known item.
    Bestsellers,
}

impl Tier {
    /// All tiers, the best first.
    pub const ALL: [Self; 5] = [Self::Pinned, Self::Model, Self::Category, Self::Habits, Self::Bestsellers];

    /// The tier's name in answers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Model => "model",
            Self::Category => "category",
            Self::Habits => "habits",
            Self::Bestsellers => "bestsellers",
        }
    }
}

/// The pinned items that pass the filters.
pub(super) fn pinned(query: &Query<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    let mut answer = Vec::new();
    add(query, limits, &mut answer, Tier::Pinned, limits.pinned.iter().map(|&item| (item, 0.0)));
    answer
}

/// Fills an answer of bought together up to its limit from the tiers below `model`.
pub(super) fn fill_up(model: &Model, query: &Query<'_>, limits: &Limits<'_>, answer: &mut Vec<Recommended>) {
    if answer.len() >= limits.limit {
        return;
    }
    let catalogue = model.catalogue();
    let categories = categories(model, query.items);
    // Items of the same category are substitutes, not complements.
    let goes_with = |category: &Category| {
        let pairs = model.category_partners().of(*category);
        let others = pairs.filter(|pair| catalogue.category(pair.item).is_none_or(|own| !categories.contains(&own)));
        let mut close: Vec<(Item, f32)> =
            others.map(|pair| (pair.item, closeness(pair.baskets, catalogue.baskets(pair.item)))).collect();
        close.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        close
    };
    let lists: Vec<Vec<(Item, f32)>> = categories.iter().map(goes_with).collect();
    add(query, limits, answer, Tier::Category, in_turn(lists.iter().map(Vec::as_slice).collect()));
    if answer.len() < limits.limit
        && let Some(customer) = query.customer
    {
        let mut habits: Vec<_> = customer.stats().collect();
        habits.sort_by(|a, b| b.decayed.total_cmp(&a.decayed).then(a.item.cmp(&b.item)));
        add(query, limits, answer, Tier::Habits, habits.into_iter().map(|stats| (stats.item, stats.decayed)));
    }
    let bestsellers = model.recent_bestsellers().iter().map(|&item| (item, catalogue.recent_popularity(item)));
    add(query, limits, answer, Tier::Bestsellers, bestsellers);
}

/// The distinct categories of the items: those of most items first, then in the order of the items.
fn categories(model: &Model, items: &[Item]) -> Vec<Category> {
    let mut counted: Vec<(Category, usize)> = Vec::new();
    for category in items.iter().filter_map(|&item| model.catalogue().category(item)) {
        match counted.iter_mut().find(|(known, _)| *known == category) {
            Some((_, count)) => *count += 1,
            None => counted.push((category, 1)),
        }
    }
    // Stable, so that ties stay in the order of the items.
    counted.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counted.into_iter().map(|(category, _)| category).collect()
}

/// Round robin: the first of each list, then the second of each, and so on, so that the first list does not take all
/// slots.
fn in_turn<T: Copy>(lists: Vec<&[T]>) -> impl Iterator<Item = T> {
    let longest = lists.iter().map(|list| list.len()).max().unwrap_or(0);
    (0..longest * lists.len()).filter_map(move |at| lists[at % lists.len()].get(at / lists.len()).copied())
}

fn add(
    query: &Query<'_>,
    limits: &Limits<'_>,
    answer: &mut Vec<Recommended>,
    tier: Tier,
    items: impl Iterator<Item = (Item, f32)>,
) {
    for (item, score) in items {
        if answer.len() >= limits.limit {
            return;
        }
        if may_show(query, limits, item)
            && !is_apart(limits, answer, item)
            && answer.iter().all(|shown| shown.item != item)
        {
            answer.push(Recommended { item, score, tier });
        }
    }
}

/// Whether an item must not be in one list with an item already shown.
pub(super) fn is_apart(limits: &Limits<'_>, shown: &[Recommended], item: Item) -> bool {
    limits.apart.is_some_and(|apart| shown.iter().any(|shown| apart(shown.item, item)))
}

/// The filter that all tiers share.
pub fn may_show(query: &Query<'_>, limits: &Limits<'_>, item: Item) -> bool {
    let repeat = || query.customer.is_some_and(|customer| customer.has_bought(item));
    (limits.allowed)(item) && !query.items.contains(&item) && (limits.repeats || !repeat())
}
