use super::chance::Chance;
use super::model_tier::ModelTier;
use super::score::{score, tidy};
use super::tiers::{fill_up, is_apart, may_show, pinned};
use super::{Limits, Recommended, Tier};
use crate::co_purchases::{Number, closeness};
use crate::{CoPurchases, Item, Model, NumberSet, Query, Question};

/// Number of bestsellers among the candidates: for anonymous customers (cached) or without repeats, and for known
/// customers with repeats.
const BESTSELLERS: [u32; 2] = [100, 25];

/// Maximum number of candidates among the strongest partners of the query items and of their categories.
const PARTNERS: usize = 160;

/// Maximum number of candidates among the customer's own items, by decayed purchases.
const OWN: usize = 400;

/// Number of a known customer's candidates that remain after pre-ranking.
const RANKED: usize = 64;

/// The items to buy together with `query.items`.
pub fn bought_together(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    let mut answer = pinned(query, limits);
    if model_answers(model, query) {
        own_tier(model, query, limits, |limits| candidates(model, query, limits)).add(limits, &mut answer);
    }
    fill_up(model, query, limits, &mut answer);
    answer
}

/// As [`bought_together`], with the last `new` slots for items that the customer has never bought, ranked by a blend of
/// their own. Each item comes with the question that it answers.
pub fn bought_together_and_new(
    model: &Model,
    query: &Query<'_>,
    limits: &Limits<'_>,
    new: usize,
) -> Vec<(Question, Recommended)> {
    let mut last = Vec::new();
    if new > 0 && query.customer.is_some() && limits.repeats {
        let room = limits.limit - pinned(query, limits).len();
        let only_new = Limits { limit: new.min(room), repeats: false, pinned: &[], ..*limits };
        last = bought_together(model, query, &only_new);
        last.retain(|found| found.tier == Tier::Model && !limits.pinned.contains(&found.item));
    }
    let allowed = |item: Item| (limits.allowed)(item) && !is_apart(limits, &last, item);
    let is_last = |item: Item| last.iter().any(|found| found.item == item);
    let first =
        Limits { limit: limits.limit - last.len(), allowed: &|item| allowed(item) && !is_last(item), ..*limits };
    let question = bought_together_question(query, limits);
    let first = bought_together(model, query, &first).into_iter().map(|found| (question, found));
    first.chain(last.iter().map(|found| (Question::BoughtTogetherNew, *found))).collect()
}

/// All candidates that [`bought_together`] ranks within the same limits, best first, without pinned items and the tiers
/// below `model`.
pub fn bought_together_ranking(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Recommended> {
    if !model_answers(model, query) {
        return Vec::new();
    }
    let pinned = pinned(query, limits).len();
    own_tier(model, query, limits, |limits| candidates(model, query, limits)).ranking(limits, pinned)
}

/// The question that a query within these limits asks.
pub fn bought_together_question(query: &Query<'_>, limits: &Limits<'_>) -> Question {
    if query.customer.is_some() && !limits.repeats { Question::BoughtTogetherNew } else { Question::BoughtTogether }
}

/// For items without baskets only the category is known, which is enough for the model only with a known customer.
fn model_answers(model: &Model, query: &Query<'_>) -> bool {
    let bought = query.items.iter().any(|&item| model.catalogue().baskets(item) > 0);
    bought || (query.customer.is_some() && !query.items.is_empty())
}

fn own_tier<'a, C: Fn(&Limits<'_>) -> Vec<Item>>(
    model: &'a Model,
    query: &'a Query<'a>,
    limits: &Limits<'_>,
    candidates: C,
) -> ModelTier<'a, C> {
    ModelTier {
        model,
        question: bought_together_question(query, limits),
        query,
        cache: &model.cache().together,
        candidates,
    }
}

/// The candidates, strictly ascending: the [`pool`], for a known customer reduced by pre-ranking, without items that
/// are significantly less often bought with the query than by chance.
pub fn candidates(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Item> {
    let mut candidates = pool(model, query, limits);
    let ranked = RANKED.max(2 * limits.limit);
    let pre_ranking = &model.scorers().pre_ranking;
    if query.customer.is_some() && limits.repeats && candidates.len() > ranked && !pre_ranking.inputs().is_empty() {
        let mut scores: Vec<(f32, Item)> =
            score(model, pre_ranking, query, &candidates).into_iter().zip(candidates).collect();
        scores.select_nth_unstable_by(ranked, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scores.truncate(ranked);
        candidates = scores.into_iter().map(|(_, item)| item).collect();
        candidates.sort_unstable();
    }
    if model.blends().list.above_chance {
        let chance = Chance::new(model, query);
        candidates.retain(|&item| !chance.is_surely_against(item));
    }
    candidates
}

/// All candidates before pre-ranking that pass the filters, strictly ascending: bestsellers, partners of the query
/// items and of their categories, and the customer's own items.
pub fn pool(model: &Model, query: &Query<'_>, limits: &Limits<'_>) -> Vec<Item> {
    let may_show = |item: Item| may_show(query, limits, item);
    let bestsellers = BESTSELLERS[usize::from(query.customer.is_some() && limits.repeats)];
    let mut candidates: Vec<Item> = (0..bestsellers.min(model.catalogue().bought())).map(Item).collect();
    candidates.retain(|&item| may_show(item));
    let wanted = PARTNERS.max(limits.limit);
    candidates.extend(match query.items {
        &[item] => model
            .cache()
            .partners
            .first(item, wanted, &may_show, |wanted, may_show| strongest(model, &[item], wanted, may_show)),
        items => strongest(model, items, wanted, &may_show),
    });
    if let Some(customer) = query.customer {
        candidates.extend(customer.most(OWN.max(limits.limit), may_show));
    }
    tidy(model, &candidates, |_| true)
}

/// The eligible partners of the items and of their categories, strongest first, at most `wanted`. The strength is the
/// share of the row's total pair weight, summed over rows; every third slot goes to the highest [`closeness`].
pub(super) fn strongest(model: &Model, items: &[Item], wanted: usize, may_show: &dyn Fn(Item) -> bool) -> Vec<Item> {
    let mut shares: Vec<(Item, f32)> = Vec::new();
    for &query_item in items {
        add_shares(&mut shares, model.co_purchases(), query_item, may_show);
    }
    for category in items.iter().filter_map(|&query_item| model.catalogue().category(query_item)) {
        add_shares(&mut shares, model.category_partners(), category, may_show);
    }
    shares.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    shares.dedup_by(|next, cache| {
        let same = next.0 == cache.0;
        cache.1 += if same { next.1 } else { 0.0 };
        same
    });
    shares.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut close: Vec<(Item, f32)> = Vec::new();
    for &query_item in items {
        let shown = model.co_purchases().of(query_item).filter(|pair| may_show(pair.item));
        close.extend(shown.map(|pair| (pair.item, closeness(pair.baskets, model.catalogue().baskets(pair.item)))));
    }
    close.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let (mut seen, mut strongest) = (NumberSet::new(model.catalogue().items().len()), Vec::with_capacity(wanted));
    let (mut shares, mut close) = (shares.into_iter(), close.into_iter());
    while strongest.len() < wanted {
        let by_closeness = strongest.len() % 3 == 2;
        let next =
            if by_closeness { close.next().or_else(|| shares.next()) } else { shares.next().or_else(|| close.next()) };
        let Some((item, _)) = next else { break };
        if !seen.contains(item.0) {
            seen.set(item.0, true);
            strongest.push(item);
        }
    }
    strongest
}

/// Adds the eligible partners of a row, each with its share of the row's total pair weight.
fn add_shares<Of: Number>(
    shares: &mut Vec<(Item, f32)>,
    pairs: &CoPurchases<Of>,
    row: Of,
    may_show: &dyn Fn(Item) -> bool,
) {
    let whole: f32 = pairs.of(row).map(|pair| pair.weight).sum();
    let shown = pairs.of(row).filter(|pair| may_show(pair.item));
    shares.extend(shown.map(|pair| (pair.item, pair.weight / whole.max(1.0))));
}
