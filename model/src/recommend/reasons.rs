//! Reasons to show an item, as facts that a person would give; for the parts of a score see
//! [`explain`](super::explain()).

use super::chance::Chance;
use super::{Recommended, Tier};
use crate::{Category, Item, Model, Position, Query, Question};

/// A reason to show an item. No count in it is below [`FEWEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `baskets` of the `of` baskets with a query item hold it.
    Together {
        /// The query item.
        with: Item,
        /// Baskets with both.
        baskets: u32,
        /// Baskets with the query item.
        of: u32,
    },
    /// The customer has bought it in baskets with a query item.
    OwnTogether {
        /// The query item.
        with: Item,
    },
    /// It is bought with the category of a query item.
    WithKind {
        /// The category.
        category: Category,
    },
    /// It is in the same category as a query item.
    SameKind {
        /// The category.
        category: Category,
    },
    /// Both have attributes, sizes or prices that can be compared.
    Comparable {
        /// The query item.
        with: Item,
        /// The recommended one.
        item: Item,
    },
    /// The customers of the query item buy it too.
    Alike {
        /// The query item.
        with: Item,
    },
    /// The customer has bought it.
    Bought {
        /// Number of baskets, if at least [`FEWEST`].
        times: Option<u16>,
        /// Day of the last purchase, in days since 1970-01-01.
        last_day: u16,
    },
    /// The customer buys it at regular intervals.
    Regularly {
        /// Mean number of days between purchases.
        every: u16,
        /// Days since the last purchase.
        ago: u16,
        /// Day of the last purchase, in days since 1970-01-01.
        last_day: u16,
    },
    /// The customer has at least [`FEWEST`] purchases in its category.
    OwnKind {
        /// The category.
        category: Category,
    },
    /// Similar customers buy it: the factor score is positive.
    FactorScore,
    /// The shop promotes it.
    Promoted,
    /// Many customers buy it.
    Popular,
}

/// Counts below this are not disclosed.
pub const FEWEST: u32 = 5;

/// Minimum lift of items that are said to be bought together.
const TOGETHER: f32 = 1.2;

/// Minimum number of purchases from which an interval is told.
const REGULARLY: u16 = 3;

/// Minimum share of baskets of a popular item.
const POPULAR: f32 = 0.01;

/// The reasons to show an item: those about the query first, then those about the customer. For categories where
/// `is_discreet` is true, nothing about the customer's purchases is disclosed.
pub fn reasons(
    model: &Model,
    question: Question,
    query: &Query<'_>,
    answer: &Recommended,
    is_discreet: &dyn Fn(Category) -> bool,
) -> Vec<Reason> {
    let about = About { model, query, item: answer.item };
    let category = model.catalogue().category(answer.item);
    let discreet = category.is_some_and(is_discreet);
    let mut reasons = Vec::new();
    if question.is_bought_together() {
        reasons.extend(about.together());
        reasons.extend((!discreet).then(|| about.own_together(is_discreet)).flatten());
        reasons.extend(if reasons.is_empty() { about.with_kind() } else { None });
    } else if question.is_alternatives() {
        reasons.extend(about.comparable());
        reasons.extend(about.same_kind().or_else(|| about.alike()));
    }
    if !discreet {
        let regularly = if question == Question::BuyAgain { about.regularly() } else { None };
        reasons.extend(regularly.or_else(|| about.bought()).or_else(|| about.own_kind()));
    }
    let catalogue = model.catalogue();
    let is_popular = catalogue.popularity(answer.item) >= POPULAR && catalogue.baskets(answer.item) >= FEWEST;
    if is_popular || answer.tier == Tier::Bestsellers && catalogue.baskets(answer.item) >= FEWEST {
        reasons.push(Reason::Popular);
    }
    if reasons.is_empty() {
        reasons.extend((!discreet).then(|| about.factor_score()).flatten().or_else(|| about.same_kind()));
    }
    reasons
}

/// A recommended item and its query.
struct About<'a> {
    model: &'a Model,
    query: &'a Query<'a>,
    item: Item,
}

impl About<'_> {
    /// The query item with the highest lift.
    fn together(&self) -> Option<Reason> {
        let one = |&with: &Item| {
            let items = [with];
            let lift = Chance::new(self.model, &Query { items: &items, ..Query::default() }).lift(self.item);
            let pair = self.model.co_purchases().either(with, self.item)?;
            let of = self.model.catalogue().baskets(with);
            let reason = Reason::Together { with, baskets: pair.baskets, of };
            (pair.baskets >= FEWEST && lift >= TOGETHER).then_some((lift, reason))
        };
        let best = self.query.items.iter().filter_map(one).max_by(|a, b| a.0.total_cmp(&b.0));
        best.map(|(_, reason)| reason)
    }

    /// A query item that shares at least two of the customer's baskets with it. The reason discloses that the customer
    /// buys both.
    fn own_together(&self, is_discreet: &dyn Fn(Category) -> bool) -> Option<Reason> {
        let customer = self.query.customer?;
        let position = |item: Item| customer.items().binary_search(&item).ok().map(|at| Position(at as u16));
        let own = position(self.item)?;
        let both = |with: Item| {
            let asked = position(with)?;
            let has_both =
                |basket: &[Position]| basket.binary_search(&own).is_ok() && basket.binary_search(&asked).is_ok();
            let baskets = customer.last_baskets().filter(|basket| has_both(basket.positions)).count();
            (baskets >= 2).then_some(Reason::OwnTogether { with })
        };
        let may_be_told = |with: &&Item| !self.model.catalogue().category(**with).is_some_and(is_discreet);
        self.query.items.iter().filter(may_be_told).find_map(|&with| both(with))
    }

    fn with_kind(&self) -> Option<Reason> {
        let (catalogue, partners) = (self.model.catalogue(), self.model.category_partners());
        let all = catalogue.total_baskets().max(1) as f32;
        let goes = |category: &Category| {
            partners.pair(*category, self.item).is_some_and(|pair| {
                let by_chance =
                    catalogue.category_baskets(*category) as f32 * catalogue.baskets(self.item) as f32 / all;
                pair.baskets >= FEWEST && pair.baskets as f32 >= TOGETHER * by_chance
            })
        };
        let mut categories = self.query.items.iter().filter_map(|&with| catalogue.category(with));
        categories.find(goes).map(|category| Reason::WithKind { category })
    }

    fn same_kind(&self) -> Option<Reason> {
        let catalogue = self.model.catalogue();
        let category = catalogue.category(self.item)?;
        let is_same = self.query.items.iter().any(|&with| catalogue.category(with) == Some(category));
        is_same.then_some(Reason::SameKind { category })
    }

    fn comparable(&self) -> Option<Reason> {
        let with = *self.query.items.first()?;
        let (model, item) = (self.model, self.item);
        let attributes = model.attributes().all();
        let is_comparable = model.size_times(with, item).is_some()
            || model.price_times(with, item).is_some()
            || attributes.iter().any(|attribute| attribute.matches(with, item));
        is_comparable.then_some(Reason::Comparable { with, item })
    }

    fn alike(&self) -> Option<Reason> {
        let with = *self.query.items.first()?;
        (self.model.is_learned(self.item) && self.model.is_learned(with)).then_some(Reason::Alike { with })
    }

    fn bought(&self) -> Option<Reason> {
        let stats = self.query.customer?.stats_of(self.item)?;
        let times = (u32::from(stats.baskets) >= FEWEST).then_some(stats.baskets);
        Some(Reason::Bought { times, last_day: stats.last_day })
    }

    fn regularly(&self) -> Option<Reason> {
        let customer = self.query.customer?;
        let stats = customer.stats_of(self.item).filter(|stats| stats.baskets >= REGULARLY)?;
        let (every, ago) = (stats.interval()?.round().max(1.0) as u16, customer.age(stats.last_day) as u16);
        Some(Reason::Regularly { every, ago, last_day: stats.last_day })
    }

    fn own_kind(&self) -> Option<Reason> {
        let (customer, catalogue) = (self.query.customer?, self.model.catalogue());
        let category = catalogue.category(self.item)?;
        let of_kind = customer.stats().filter(|stats| catalogue.category(stats.item) == Some(category));
        let purchases: u32 = of_kind.map(|stats| u32::from(stats.baskets)).sum();
        (purchases >= FEWEST).then_some(Reason::OwnKind { category })
    }

    fn factor_score(&self) -> Option<Reason> {
        let (customer, items) = (self.query.customer?, self.model.item_factors());
        let is_learned = self.item.index() < items.len();
        let likes = || items.dot(self.item.0, customer.direction()) > 0.0;
        (is_learned && likes()).then_some(Reason::FactorScore)
    }
}
