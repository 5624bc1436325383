//! Signals: the numbers that a recommendation is a weighted sum of.
//!
//! A signal says one thing about a candidate in the light of what was asked. To add one: a file here with a unit
//! struct that implements [`Signal`], and a line in [`ALL`]. Its weight then comes from the artefact's [`Blend`].
//!
//! Signals about shares (of baskets, of a customer's baskets) are put on a logarithmic scale by [`log_share`] or
//! [`log_small_share`].
//!
//! [`Blend`]: crate::Blend

mod backed_co_purchase;
mod buyers;
mod category_co_purchase;
mod category_habit;
mod category_lately;
mod category_lift;
mod category_partner;
mod category_share;
mod co_purchase;
mod co_purchase_count;
mod complement;
mod cosine;
mod due;
mod expected;
mod habit;
mod kind_backed_co_purchase;
mod last_baskets;
mod lasting_habit;
mod lately;
mod lift;
mod loyalty;
mod own_category_co_purchase;
mod own_co_purchase;
mod popularity;
mod popularity_of_new;
mod purchases;
mod recent_habit;
mod recent_popularity;
mod same_category;
mod small_basket_habit;
mod substitute;
mod taste;
mod taste_for_new;
mod trend;

use crate::co_purchases::Partner;
use crate::histories::{Habit, Histories, LastBasket};
use crate::{Ask, Model};

/// One named number per candidate.
pub trait Signal: Sync {
    /// The name that the artefact's weights and an explanation use.
    fn name(&self) -> &'static str;

    /// Writes the signal of each candidate into `out`, which is as long; 0 where there is nothing to say.
    /// `candidates` are item numbers, strictly rising.
    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]);

    /// What the signal rests on for one candidate, where it rests on something that can be counted.
    fn evidence(&self, _model: &Model, _ask: &Ask<'_>, _candidate: u32) -> Option<Evidence> {
        None
    }
}

/// All signals. A blend refers to them by name.
pub static ALL: [&dyn Signal; 34] = [
    &co_purchase::CoPurchase,
    &co_purchase_count::CoPurchaseCount,
    &lift::Lift,
    &cosine::Cosine,
    &complement::Complement,
    &substitute::Substitute,
    &same_category::SameCategory,
    &category_co_purchase::CategoryCoPurchase,
    &category_lift::CategoryLift,
    &category_partner::CategoryPartner,
    &backed_co_purchase::BackedCoPurchase,
    &kind_backed_co_purchase::KindBackedCoPurchase,
    &habit::Habitual,
    &recent_habit::RecentHabit,
    &lasting_habit::LastingHabit,
    &small_basket_habit::SmallBasketHabit,
    &last_baskets::LastBaskets,
    &purchases::Purchases,
    &lately::Lately,
    &due::Due,
    &own_co_purchase::OwnCoPurchase,
    &own_category_co_purchase::OwnCategoryCoPurchase,
    &category_habit::CategoryHabit,
    &category_lately::CategoryLately,
    &expected::Expected,
    &taste::Taste,
    &taste_for_new::TasteForNew,
    &popularity::Popularity,
    &popularity_of_new::PopularityOfNew,
    &recent_popularity::RecentPopularity,
    &trend::Trend,
    &buyers::Buyers,
    &loyalty::Loyalty,
    &category_share::CategoryShare,
];

/// The number of a signal in [`ALL`].
pub fn index(name: &str) -> Option<usize> {
    ALL.iter().position(|signal| signal.name() == name)
}

/// Countable facts behind a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evidence {
    /// The candidate and this item of the query were together in so many baskets.
    BoughtTogether {
        /// The query's item.
        with: u32,
        /// Baskets that hold both.
        baskets: u32,
    },
    /// The customer has bought the candidate.
    BoughtBefore {
        /// In so many baskets.
        times: u16,
        /// Last on this day, in days since 1970-01-01.
        last_day: u16,
    },
    /// The candidate was in so many baskets of all customers.
    Popular {
        /// Baskets that hold it.
        baskets: u32,
    },
    /// The candidate is of the category of an item of the query.
    SameCategory {
        /// The category's number.
        category: u32,
    },
}

/// `ln(1 + 2000 p)` of a share `p` that is small, such as an item's of all baskets: 0 for nothing, 1.1 for one in a
/// thousand, 5.3 for one in ten.
fn log_small_share(p: f32) -> f32 {
    (2000.0 * p).ln_1p()
}

/// `ln(1 + 100 p)` of a share `p`: 0 for nothing, 0.7 for one in a hundred, 4.6 for always.
fn log_share(p: f32) -> f32 {
    (100.0 * p).ln_1p()
}

/// What a customer's history says of an item, to be told.
fn bought_before(model: &Model, ask: &Ask<'_>, item: u32) -> Option<Evidence> {
    let habit = model.histories().habit(ask.customer?, item)?;
    Some(Evidence::BoughtBefore { times: habit.baskets, last_day: habit.last_day })
}

/// A number for each candidate that the customer has bought before, from what their history says of it; 0 for others.
fn of_history(
    model: &Model,
    ask: &Ask<'_>,
    candidates: &[u32],
    out: &mut [f32],
    value: impl Fn(&Histories, Habit) -> f32,
) {
    out.fill(0.0);
    if let Some(customer) = ask.customer {
        let histories = model.histories();
        matches(candidates, histories.of(customer), |habit| habit.item, |at, habit| out[at] = value(histories, habit));
    }
}

/// A number for each candidate that the customer has bought before, from the sum of the weights of those of their last
/// baskets that hold it, and the sum of all weights; 0 for others. `value` is called for each item of the history in turn.
fn of_last_baskets(
    model: &Model,
    ask: &Ask<'_>,
    candidates: &[u32],
    out: &mut [f32],
    weight: impl Fn(&LastBasket<'_>) -> f32,
    mut value: impl FnMut(f32, f32) -> f32,
) {
    out.fill(0.0);
    if let Some(customer) = ask.customer {
        let (sums, all) = model.histories().weigh(customer, weight);
        let values = sums.into_iter().map(|sum| value(sum, all));
        let entries = model.histories().items(customer).iter().zip(values.collect::<Vec<_>>());
        matches(candidates, entries, |entry| *entry.0, |at, (_, value)| out[at] = value);
    }
}

/// The shrunk share of the customer's last baskets that hold each candidate, a basket counting one half after each half-life,
/// in days.
fn decayed_share(
    model: &Model,
    ask: &Ask<'_>,
    candidates: &[u32],
    out: &mut [f32],
    half_life: f32,
    prior_baskets: f32,
) {
    let decay = |basket: &LastBasket<'_>| (-basket.age / half_life).exp2();
    of_last_baskets(model, ask, candidates, out, decay, |sum, all| log_share(sum / (all + prior_baskets)));
}

/// A number for each candidate from the customer's history of its category, folded over the habits of it from 0 on; 0 for
/// others.
fn per_category(
    model: &Model,
    ask: &Ask<'_>,
    candidates: &[u32],
    out: &mut [f32],
    fold: impl Fn(f32, Habit) -> f32,
    value: impl Fn(u32, f32) -> f32,
) {
    out.fill(0.0);
    let Some(customer) = ask.customer else { return };
    let catalogue = model.catalogue();
    let own = model.histories().of(customer);
    let mut habits: Vec<(u32, Habit)> =
        own.filter_map(|habit| Some((catalogue.category(habit.item)?, habit))).collect();
    habits.sort_unstable_by_key(|(category, habit)| (*category, habit.item));
    let folded: Vec<(u32, f32)> = habits
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| (same[0].0, same.iter().fold(0.0, |sum, (_, habit)| fold(sum, *habit))))
        .collect();
    for (&item, out) in candidates.iter().zip(out) {
        let category = catalogue.category(item);
        let found = category.and_then(|category| folded.binary_search_by_key(&category, |entry| entry.0).ok());
        if let Some(at) = found {
            *out = value(item, folded[at].1);
        }
    }
}

/// The mean over the query's items of a number for each of their partners, from the counts of the pair and the baskets
/// of both; 0 for others.
fn of_partners(
    model: &Model,
    ask: &Ask<'_>,
    candidates: &[u32],
    out: &mut [f32],
    value: impl Fn(Partner, f32, f32) -> f32,
) {
    out.fill(0.0);
    let mean = 1.0 / ask.items.len().max(1) as f32;
    let baskets = |item: u32| model.catalogue().baskets(item) as f32;
    for &query in ask.items {
        let partners = model.co_purchases().of(query);
        matches(
            candidates,
            partners,
            |pair| pair.item,
            |at, pair| {
                out[at] += mean * value(pair, baskets(query), baskets(pair.item));
            },
        );
    }
}

/// Calls `each` with the position among `candidates` and the entry of `list` wherever both hold the same item.
/// Both must be strictly rising.
fn matches<T>(
    candidates: &[u32],
    list: impl Iterator<Item = T>,
    item: impl Fn(&T) -> u32,
    mut each: impl FnMut(usize, T),
) {
    let mut at = 0;
    for entry in list {
        let wanted = item(&entry);
        while at < candidates.len() && candidates[at] < wanted {
            at += 1;
        }
        if at == candidates.len() {
            return;
        }
        if candidates[at] == wanted {
            each(at, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        for (at, signal) in ALL.iter().enumerate() {
            assert_eq!(index(signal.name()), Some(at), "{}", signal.name());
        }
        assert_eq!(index("no such signal"), None);
    }

    #[test]
    fn matches_walks_both_lists_once() {
        let mut found = vec![];
        matches(&[1, 3, 5, 9], [0, 3, 4, 9, 12].into_iter(), |&x| x, |at, x| found.push((at, x)));
        assert_eq!(found, [(1, 3), (3, 9)]);
    }
}
