//! Why an item is shown, as a person would say it: facts, not parts of a score ([`explain`](super::explain()) has these).

use super::chance::Chance;
use super::{Recommended, Tier};
use crate::{Model, Query, Question};

/// A reason to show an item. No count in it is below [`FEWEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Of the baskets with an item asked about, `of`, so many hold it.
    Together {
        /// The item asked about.
        with: u32,
        /// Baskets with both.
        baskets: u32,
        /// Baskets with the item asked about.
        of: u32,
    },
    /// The customer has bought it in baskets with an item asked about.
    OwnTogether {
        /// The item asked about.
        with: u32,
    },
    /// It is bought with the kind of thing that is asked about.
    WithKind {
        /// That kind.
        category: u32,
    },
    /// It is of the same category as what is asked about.
    SameKind {
        /// The category.
        category: u32,
    },
    /// The shop says things of both by which they can be compared: attributes, sizes, prices.
    Comparable {
        /// The item asked about.
        with: u32,
        /// The recommended one.
        item: u32,
    },
    /// Who buys what is asked about buys it too.
    Alike {
        /// The item asked about.
        with: u32,
    },
    /// The customer has bought it.
    Bought {
        /// In how many baskets, if they are not few.
        times: Option<u16>,
        /// Last on this day, in days since 1970-01-01.
        last_day: u16,
    },
    /// The customer buys much of its category.
    OwnKind {
        /// The category.
        category: u32,
    },
    /// Customers like this one buy it.
    FactorScore,
    /// The shop promotes it.
    Promoted,
    /// Many buy it.
    Popular,
}

/// Counts below this are not told.
pub const FEWEST: u32 = 5;

/// Things are said to go together from this lift on.
const TOGETHER: f32 = 1.2;

/// Items in at least this share of the baskets are said to be popular.
const POPULAR: f32 = 0.01;

/// Why an item is shown: what is about the items asked about first, then what is about the customer. There is at least one
/// reason if there is anything to say. Of categories of which `is_discreet` is true nothing is said of what the customer
/// buys.
pub fn reasons(
    model: &Model,
    question: Question,
    query: &Query<'_>,
    answer: &Recommended,
    is_discreet: &dyn Fn(u32) -> bool,
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
        reasons.extend(about.bought().or_else(|| about.own_kind()));
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

/// An item in the light of what is asked.
struct About<'a> {
    model: &'a Model,
    query: &'a Query<'a>,
    item: u32,
}

impl About<'_> {
    /// The item asked about with which it goes best.
    fn together(&self) -> Option<Reason> {
        let one = |&with: &u32| {
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

    /// An item asked about that was in two of the customer's baskets with it or more; to say so is to say that the customer
    /// buys both.
    fn own_together(&self, is_discreet: &dyn Fn(u32) -> bool) -> Option<Reason> {
        let customer = self.query.customer?;
        let position = |item: u32| customer.items().binary_search(&item).ok().map(|at| at as u16);
        let own = position(self.item)?;
        let both = |with: u32| {
            let asked = position(with)?;
            let has_both = |basket: &[u16]| basket.binary_search(&own).is_ok() && basket.binary_search(&asked).is_ok();
            let baskets = customer.last_baskets().filter(|basket| has_both(basket.positions)).count();
            (baskets >= 2).then_some(Reason::OwnTogether { with })
        };
        let may_be_told = |with: &&u32| !self.model.catalogue().category(**with).is_some_and(is_discreet);
        self.query.items.iter().filter(may_be_told).find_map(|&with| both(with))
    }

    fn with_kind(&self) -> Option<Reason> {
        let (catalogue, partners) = (self.model.catalogue(), self.model.category_partners());
        let all = catalogue.total_baskets().max(1) as f32;
        let goes = |category: &u32| {
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

    fn own_kind(&self) -> Option<Reason> {
        let (customer, catalogue) = (self.query.customer?, self.model.catalogue());
        let category = catalogue.category(self.item)?;
        let of_kind = customer.stats().filter(|stats| catalogue.category(stats.item) == Some(category));
        let purchases: u32 = of_kind.map(|stats| u32::from(stats.baskets)).sum();
        (purchases >= FEWEST).then_some(Reason::OwnKind { category })
    }

    fn factor_score(&self) -> Option<Reason> {
        let (customer, items) = (self.query.customer?, self.model.item_factors());
        let is_learned = (self.item as usize) < items.len();
        let likes = || items.dot(self.item, customer.direction()) > 0.0;
        (is_learned && likes()).then_some(Reason::FactorScore)
    }
}
