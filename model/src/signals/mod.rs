//! Signals: the features of the learned ranker.
//!
//! A signal is one number about a candidate, given the query. To add one: a file here with a unit struct that
//! implements [`Signal`], a line in [`ALL`] and one in [`NAMES`]. Its weight is learned and stored in the artefact's
//! [`Blend`].
//!
//! Signals that are shares (of baskets, of a customer's baskets) are put on a logarithmic scale by `log_shares` or
//! `log_small_shares`.
//!
//! [`Blend`]: crate::Blend

mod buyers;
mod category_co_purchase;
mod category_due;
mod category_habit;
mod category_lift;
mod category_partner;
mod category_recency;
mod category_share;
mod co_purchase;
mod co_purchase_count;
mod complement;
mod cosine;
mod due;
mod expected;
mod factor_score;
mod factor_score_of_new;
mod habit;
mod kind_backed_co_purchase;
mod kind_backed_firmly;
mod kind_backed_lift;
mod kind_lift;
mod last_baskets;
mod lasting_habit;
mod latest_popularity;
mod lift;
mod name_similarity;
mod own_baskets;
mod own_category_co_purchase;
mod own_co_purchase;
mod popularity;
mod popularity_of_new;
mod price_likeness;
mod price_ratio;
mod purchases;
mod query_popularity;
mod query_purchases;
mod recency;
mod recent_habit;
mod recent_popularity;
mod replaced;
mod repurchase_rate;
mod sales_on_offer;
mod same_category;
mod same_customers;
mod same_kind;
mod small_basket_habit;
mod store_popularity;
mod substitute;
mod switched;
mod taken_on_offer;
mod trend;

pub use crate::signal_names::{CHEAP, NAMES, OF_ALTERNATIVES, OF_CUSTOMERS, index};

use crate::attributes::Attribute;
use crate::co_purchases::Partner;
use crate::feature_context::{Bought, OfCategory, Pair};
use crate::item_signals::ItemSignals;
use crate::kernel::logs;
use crate::priors::PAIR_PRIOR;
use crate::{FeatureContext, Item, Model, Query};

/// One named number per candidate.
pub trait Signal: Sync {
    /// The name used by the artefact's weights and by explanations.
    fn name(&self) -> &'static str;

    /// Whether it depends on the candidate alone: then it is computed once per model, not for each answer.
    fn is_of_items(&self) -> bool {
        false
    }

    /// Writes the signal of each candidate into `out`, which has the same length; 0 where it is undefined.
    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]);
}

/// All signals. A blend refers to them by name.
pub static ALL: [&dyn Signal; 51] = [
    &co_purchase::CoPurchase,
    &co_purchase_count::CoPurchaseCount,
    &lift::Lift,
    &cosine::Cosine,
    &complement::Complement,
    &substitute::Substitute,
    &same_category::SameCategory,
    &category_co_purchase::CategoryCoPurchase,
    &category_partner::CategoryPartner,
    &kind_backed_co_purchase::KindBackedCoPurchase,
    &kind_backed_firmly::KindBackedFirmly,
    &kind_backed_lift::KindBackedLift,
    &kind_lift::KindLift,
    &category_lift::CategoryLift,
    &habit::Habitual,
    &recent_habit::RecentHabit,
    &lasting_habit::LastingHabit,
    &small_basket_habit::SmallBasketHabit,
    &last_baskets::LastBaskets,
    &purchases::Purchases,
    &recency::Recency,
    &due::Due,
    &own_co_purchase::OwnCoPurchase,
    &own_category_co_purchase::OwnCategoryCoPurchase,
    &category_habit::CategoryHabit,
    &category_recency::CategoryRecency,
    &category_due::CategoryDue,
    &expected::Expected,
    &factor_score::FactorScore,
    &factor_score_of_new::FactorScoreOfNew,
    &popularity::Popularity,
    &popularity_of_new::PopularityOfNew,
    &recent_popularity::RecentPopularity,
    &latest_popularity::LatestPopularity,
    &trend::Trend,
    &buyers::Buyers,
    &repurchase_rate::RepurchaseRate,
    &category_share::CategoryShare,
    &own_baskets::OwnBaskets,
    &query_popularity::QueryPopularity,
    &query_purchases::QueryPurchases,
    &sales_on_offer::SalesOnOffer,
    &taken_on_offer::TakenOnOffer,
    &same_kind::SameKind,
    &switched::Switched,
    &same_customers::SameCustomers,
    &price_ratio::PriceRatio,
    &price_likeness::PriceLikeness,
    &name_similarity::NameSimilarity,
    &store_popularity::StorePopularity,
    &replaced::Replaced,
];

/// The values of all signals that depend on the item alone; computed on first use.
pub(crate) fn of_all_items(model: &Model) -> &ItemSignals {
    model.item_signals().get_or_init(|| {
        let items: Vec<Item> = model.catalogue().numbers().collect();
        let context = FeatureContext::new(model, Query { items: &[], ..Query::default() }, &items);
        let mut free = (0..).peekable();
        let places: Vec<Option<usize>> = ALL.iter().map(|signal| free.next_if(|_| signal.is_of_items())).collect();
        let width = places.iter().flatten().count();
        let (mut values, mut column) = (vec![0.0; width * items.len()], vec![0.0; items.len()]);
        for (signal, place) in ALL.iter().zip(&places) {
            let Some(place) = *place else { continue };
            signal.fill(&context, &mut column);
            values.chunks_exact_mut(width).zip(&column).for_each(|(row, &value)| row[place] = value);
        }
        ItemSignals { places, width, values }
    })
}

/// The signal of an attribute: the likeness of each candidate to the first item of the query.
pub fn likeness(context: &FeatureContext<'_>, attribute: &Attribute, out: &mut [f32]) {
    match context.query.items.first() {
        Some(&item) => attribute.likenesses(item, context.candidates, out),
        None => out.fill(0.0),
    }
}

/// A number for each candidate from the first item of the query and the candidate; 0 without a query.
fn of_first(context: &FeatureContext<'_>, out: &mut [f32], value: impl Fn(Item, Item) -> f32) {
    match context.query.items.first() {
        Some(&item) => of_items(context, out, |candidate| value(item, candidate)),
        None => out.fill(0.0),
    }
}

/// `ln(1 + 2000 p)` of small shares `p`, such as an item's share of all baskets: 0 for 0, 1.1 for 0.1 %, 5.3 for 10 %.
fn log_small_shares(out: &mut [f32]) {
    logs(out, 2000.0);
}

/// `ln(1 + 100 p)` of shares `p`: 0 for 0, 0.7 for 1 %, 4.6 for 100 %.
fn log_shares(out: &mut [f32]) {
    logs(out, 100.0);
}

/// `ln r` of ratios `r` above 0.
fn log_ratios(out: &mut [f32]) {
    out.iter_mut().for_each(|ratio| *ratio -= 1.0);
    logs(out, 1.0);
}

/// The mean over the query items of the log of a ratio for each pair; 0 for candidates without a pair.
fn log_ratios_of(pairs: &[Pair], out: &mut [f32], ratio: impl Fn(&Pair) -> f32) {
    out.fill(0.0);
    let mut ratios: Vec<f32> = pairs.iter().map(ratio).collect();
    log_ratios(&mut ratios);
    pairs.iter().zip(ratios).for_each(|(pair, log)| out[pair.at] += pair.weight * log);
}

/// A number for each candidate from the item alone.
fn of_items(context: &FeatureContext<'_>, out: &mut [f32], value: impl Fn(Item) -> f32) {
    out.iter_mut().zip(context.candidates).for_each(|(out, &item)| *out = value(item));
}

/// A number for each candidate that the customer has bought before; 0 for others.
fn of_bought(context: &FeatureContext<'_>, out: &mut [f32], value: impl Fn(&Bought) -> f32) {
    out.fill(0.0);
    context.bought().iter().for_each(|bought| out[bought.at] = value(bought));
}

/// Another signal for items that the customer has not bought before; 0 for items they have bought, and without a
/// customer.
fn only_new(context: &FeatureContext<'_>, out: &mut [f32], signal: &dyn Signal) {
    if context.query.customer.is_none() {
        return out.fill(0.0);
    }
    signal.fill(context, out);
    context.bought().iter().for_each(|bought| out[bought.at] = 0.0);
}

/// The shrunk share of the customer's last baskets that hold each candidate, with the weighting `way` (see
/// [`HALF_LIVES`](crate::feature_context::HALF_LIVES)).
fn decayed_share(context: &FeatureContext<'_>, out: &mut [f32], way: usize, prior_baskets: f32) {
    let weighed = context.weighed();
    let whole = weighed.all[way] + prior_baskets;
    of_bought(context, out, |bought| weighed.sums[bought.position][way] / whole);
    log_shares(out);
}

/// A number for each candidate from the customer's purchases in its category; 0 without any.
fn of_category(context: &FeatureContext<'_>, out: &mut [f32], value: impl Fn(Item, &OfCategory) -> f32) {
    for ((out, &item), own) in out.iter_mut().zip(context.candidates).zip(context.categories()) {
        *out = if own.purchases > 0 { value(item, own) } else { 0.0 };
    }
}

/// The time since the last purchase, in usual intervals, plus 1: 1 right after a purchase, 2 when the next is due, at
/// most 10; 0 for fewer than two purchases.
fn cadence(context: &FeatureContext<'_>, purchases: u32, first_day: u16, last_day: u16) -> f32 {
    /// Minimum interval, in days.
    const SHORTEST: f32 = 2.0;
    if purchases < 2 {
        return 0.0;
    }
    let interval = f32::from(last_day.saturating_sub(first_day)) / (purchases - 1) as f32;
    (1.0 + (context.age(last_day) + 1.0) / interval.max(SHORTEST)).min(10.0)
}

/// The mean over the query items of a number for each of their partners, from the counts of the pair, the baskets of
/// the query item and those of the partner; 0 for other candidates.
fn of_partners(context: &FeatureContext<'_>, out: &mut [f32], value: impl Fn(Partner, f32, f32) -> f32) {
    out.fill(0.0);
    let baskets = |item: Item| context.model.catalogue().baskets(item) as f32;
    for pair in context.partners() {
        out[pair.at] += pair.weight * value(pair.counts, baskets(pair.query_item), baskets(pair.counts.item));
    }
}

/// The share of the query item's baskets that hold each candidate, over a cart the mean, shrunk towards the candidate's
/// popularity with [`PAIR_PRIOR`] prior baskets: a pair seen twice does not outrank one seen two hundred times. On the
/// scale of [`log_small_shares`]; 0 without a query.
fn shares_of_pairs(context: &FeatureContext<'_>, out: &mut [f32], count: impl Fn(Partner) -> f32) {
    let catalogue = context.model.catalogue();
    let whole = |query_item: Item| catalogue.baskets(query_item) as f32 + PAIR_PRIOR;
    of_partners(context, out, |pair, query_item, _| count(pair) / (query_item + PAIR_PRIOR));
    let prior: f32 = context.asked().iter().map(|&(query_item, weight)| weight * PAIR_PRIOR / whole(query_item)).sum();
    context.add_popularity(out, prior);
    log_small_shares(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        assert_eq!(ALL.map(Signal::name), NAMES);
        for (at, name) in NAMES.iter().enumerate() {
            assert_eq!(index(name), Some(at), "{name}");
        }
        assert_eq!(index("no such signal"), None);
    }
}
