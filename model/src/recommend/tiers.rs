use super::{Limits, Recommended};
use crate::{Ask, Model};

/// Who answered: the model, or one of those that stand in for it, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// A rule of the shop.
    Pinned,
    /// The blend of all signals.
    Model,
    /// Bestsellers of the category of what was asked about.
    Category,
    /// What the customer buys most.
    Habits,
    /// The market's bestsellers.
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

/// What is pinned, as far as it may be shown.
pub(super) fn pinned(model: &Model, ask: &Ask<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    let mut answer = Vec::new();
    add(model, ask, limits, &mut answer, Tier::Pinned, limits.pinned.iter().map(|&item| (item, 0.0)));
    answer
}

/// Fills an answer up to its limit from the tiers below the model.
pub(super) fn fill_up(model: &Model, ask: &Ask<'_>, limits: &Limits<'_>, answer: &mut Vec<Recommended>) {
    if answer.len() >= limits.limit {
        return;
    }
    let catalogue = model.catalogue();
    let category = || {
        let categories = ask.items.iter().filter_map(|&item| catalogue.category(item));
        categories.flat_map(|category| catalogue.members(category)).map(|&item| (item, catalogue.popularity(item)))
    };
    add(model, ask, limits, answer, Tier::Category, category());
    if answer.len() < limits.limit
        && let Some(customer) = ask.customer
    {
        let mut habits: Vec<_> = model.histories().of(customer).collect();
        habits.sort_by(|a, b| b.decayed.total_cmp(&a.decayed).then(a.item.cmp(&b.item)));
        add(model, ask, limits, answer, Tier::Habits, habits.into_iter().map(|habit| (habit.item, habit.decayed)));
    }
    let bestsellers = (0..catalogue.items().len() as u32).map(|item| (item, catalogue.popularity(item)));
    add(model, ask, limits, answer, Tier::Bestsellers, bestsellers);
}

fn add(
    model: &Model,
    ask: &Ask<'_>,
    limits: &Limits<'_>,
    answer: &mut Vec<Recommended>,
    tier: Tier,
    items: impl Iterator<Item = (u32, f32)>,
) {
    for (item, score) in items {
        if answer.len() >= limits.limit {
            return;
        }
        if may_show(model, ask, limits, item) && answer.iter().all(|shown| shown.item != item) {
            answer.push(Recommended { item, score, tier });
        }
    }
}

/// The filter that all tiers share: whether an item may be shown at all.
pub fn may_show(model: &Model, ask: &Ask<'_>, limits: &Limits<'_>, item: u32) -> bool {
    let repeat = || ask.customer.is_some_and(|customer| model.histories().items(customer).binary_search(&item).is_ok());
    (limits.allowed)(item) && !ask.items.contains(&item) && (limits.repeats || !repeat())
}
