use std::borrow::Cow;

use trolley_model::recommend::{self, Limits, Part, Recommended, Tier};
use trolley_model::{Flaw, Item, Query, Question};

use super::query::ItemQuery;
use super::replacements::ReplacementCounts;
use super::snapshot::Snapshot;
use super::substitution::Forbidden;

/// Why an item is not in an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is in the answer, at this position from 1.
    Shown(usize),
    /// The model does not know it.
    Unknown,
    /// It is a requested item.
    AskedAbout,
    /// It is out of stock.
    OutOfStock,
    /// The store of the query does not sell it.
    NotInStore,
    /// The rule with this ID blocks it.
    Blocked(String),
    /// It differs in this attribute, which must match.
    MustMatch(String),
    /// Customers mostly reject it as a replacement for the requested item.
    Rejected(ReplacementCounts),
    /// It is an alternative with a flaw.
    Flawed(Flaw),
    /// The query leaves it out: it is excluded, filtered out, kept apart from a requested item as sensitive, or was
    /// bought before and repeats are not wanted.
    LeftOut,
    /// It is no candidate. For bought together: it is no bestseller, no partner of a requested item or its category,
    /// and not bought by the customer; or it is bought with the requested items significantly less often than by
    /// chance.
    NoCandidate,
    /// It is a candidate, but other items are shown.
    Outranked(OutrankedBy),
}

/// The position of a candidate that is not shown.
#[derive(Clone, Debug, PartialEq)]
pub struct OutrankedBy {
    /// Its rank among the candidates, from 1.
    pub rank: usize,
    /// Number of candidates.
    pub candidates: usize,
    /// Its score.
    pub score: f32,
    /// The last shown item of the tier `model`, and its score.
    pub last_shown: Option<(String, f32)>,
    /// The signals that add less to its score than to that of the last shown item, with the difference; largest
    /// difference first.
    pub behind: Vec<(Cow<'static, str>, f32)>,
}

impl Snapshot {
    /// Why is `other` not in the answer to a bought-together query?
    pub fn why_not(&self, query: &ItemQuery<'_>, other: &str) -> Verdict {
        let items = self.numbers(query.items);
        let item = match self.named(&items, other) {
            Ok(item) => item,
            Err(verdict) => return verdict,
        };
        if let Some(verdict) = self.not_there(query, item) {
            return verdict;
        }
        self.within_limits(query, &items, |model_query, limits| {
            let shown = recommend::bought_together(self.model(), model_query, limits);
            // The candidates of the answer: their number depends on the limit.
            let ranking = || recommend::bought_together_ranking(self.model(), model_query, limits);
            self.verdict(
                recommend::bought_together_question(model_query, limits),
                model_query,
                limits,
                item,
                &shown,
                ranking,
            )
        })
    }

    /// Why is `other` not among the alternatives to the item of a query?
    pub fn why_not_alternative(&self, query: &ItemQuery<'_>, other: &str) -> Verdict {
        let items = self.numbers(query.items);
        let item = match self.named(&items, other) {
            Ok(item) => item,
            Err(verdict) => return verdict,
        };
        let forbidden = items.first().and_then(|&asked| self.forbids(asked, item));
        match forbidden {
            Some(Forbidden::Attribute(attribute)) => return Verdict::MustMatch(attribute.to_owned()),
            Some(Forbidden::Rejected(taken)) => return Verdict::Rejected(taken),
            None => {}
        }
        if let Some(verdict) = self.not_there(query, item) {
            return verdict;
        }
        self.within_limits(query, &items, |model_query, limits| {
            self.with_substitution_limits(query, model_query, limits, |model_query, limits| {
                let shown = recommend::alternatives(self.model(), model_query, limits);
                let ranking = || recommend::alternatives_ranking(self.model(), model_query, limits);
                let verdict = self.verdict(Question::Alternatives, model_query, limits, item, &shown, ranking);
                let flaw = items.first().map(|&asked| self.model().flaw(asked, item, model_query.customer.as_ref()));
                // Items that come after it are shown, or the answer has room for it.
                let gave_way = match &verdict {
                    Verdict::Outranked(standing) => {
                        let is_ahead = |(_, last): &(String, f32)| standing.score > *last;
                        shown.len() < query.limit || standing.last_shown.as_ref().is_none_or(is_ahead)
                    }
                    _ => false,
                };
                match flaw {
                    Some(flaw) if gave_way && flaw != Flaw::None => Verdict::Flawed(flaw),
                    _ => verdict,
                }
            })
        })
    }

    /// The number of an item that might be shown; or the verdict that holds whatever else is in the answer.
    fn named(&self, asked: &[Item], other: &str) -> Result<Item, Verdict> {
        let item = self.model().catalogue().position(other).ok_or(Verdict::Unknown)?;
        if asked.contains(&item) {
            return Err(Verdict::AskedAbout);
        }
        self.blocked_by(asked, item).map_or(Ok(item), |rule| Err(Verdict::Blocked(rule.to_owned())))
    }

    /// The verdict on an item that is out of stock, or not sold by the store.
    fn not_there(&self, query: &ItemQuery<'_>, item: Item) -> Option<Verdict> {
        let place = self.place(query.store);
        if !place.is_in_stock(item) {
            return Some(Verdict::OutOfStock);
        }
        (!place.sells(item)).then_some(Verdict::NotInStore)
    }

    fn verdict(
        &self,
        question: Question,
        model_query: &Query<'_>,
        limits: &Limits<'_>,
        item: Item,
        shown: &[Recommended],
        ranking: impl FnOnce() -> Vec<Recommended>,
    ) -> Verdict {
        if let Some(at) = shown.iter().position(|shown| shown.item == item) {
            return Verdict::Shown(at + 1);
        }
        if !recommend::may_show(model_query, limits, item) {
            return Verdict::LeftOut;
        }
        let ranked = ranking();
        let Some(rank) = ranked.iter().position(|found| found.item == item) else { return Verdict::NoCandidate };
        let candidates = ranked.len();
        let parts = |found: &Recommended| self.why(question, model_query, found).parts;
        let last = shown.iter().rfind(|shown| shown.tier == Tier::Model);
        let behind = last.map_or_else(Vec::new, |last| behind(&parts(last), &parts(&ranked[rank])));
        let id = |item: Item| self.model().catalogue().id(item).to_owned();
        Verdict::Outranked(OutrankedBy {
            rank: rank + 1,
            candidates,
            score: ranked[rank].score,
            last_shown: last.map(|last| (id(last.item), last.score)),
            behind,
        })
    }
}

/// The signals that add less to `other` than to `shown`.
fn behind(shown: &[Part], other: &[Part]) -> Vec<(Cow<'static, str>, f32)> {
    let part = |of: &[Part], signal: &str| -> f32 {
        of.iter().filter(|part| part.signal == signal).map(|part| part.share).sum()
    };
    let mut signals: Vec<Cow<'static, str>> = shown.iter().chain(other).map(|part| part.signal.clone()).collect();
    signals.sort_unstable();
    signals.dedup();
    let mut behind: Vec<(Cow<'static, str>, f32)> = signals
        .into_iter()
        .map(|signal| (part(other, &signal) - part(shown, &signal), signal))
        .map(|(difference, signal)| (signal, difference))
        .filter(|(_, difference)| *difference < 0.0)
        .collect();
    behind.sort_by(|a, b| a.1.total_cmp(&b.1));
    behind
}
