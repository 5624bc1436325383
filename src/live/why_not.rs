use std::borrow::Cow;

use trolley_model::recommend::{self, Limits, Part, Recommended, Tier};
use trolley_model::{Flaw, Query, Question};

use super::instead::Forbidden;
use super::query::ItemQuery;
use super::replacements::Taken;
use super::snapshot::Snapshot;

/// Why an item is not in an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is: at this place, from 1.
    Shown(usize),
    /// The model has never heard of it.
    Unknown,
    /// It is what was asked about.
    AskedAbout,
    /// It cannot be had.
    OutOfStock,
    /// The store that is asked for does not sell it.
    NotInStore,
    /// The rule of this ID blocks it.
    Blocked(String),
    /// It differs in this attribute, in which alternatives must be the same.
    MustMatch(String),
    /// Customers refuse it in the place of what is asked about.
    Rejected(Taken),
    /// It is an alternative that something speaks against.
    Flawed(Flaw),
    /// The query leaves it out: it is excluded, or was bought before and repeats are not wanted.
    LeftOut,
    /// Nothing suggests it: it is surely bought with the item less often than by chance, or it is no bestseller, no partner of
    /// the item asked about nor of its category, and not what
    /// the customer buys.
    NoCandidate,
    /// Others have a higher score.
    Outranked(Standing),
}

/// Where an item stands that is outranked.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Its place among the candidates, from 1.
    pub rank: usize,
    /// Of so many.
    pub candidates: usize,
    /// Its score.
    pub score: f32,
    /// The score of the last item that is shown, and its ID.
    pub last_shown: Option<(String, f32)>,
    /// The signals in which it falls behind that one, with the difference; those that cost most first.
    pub behind: Vec<(Cow<'static, str>, f32)>,
}

impl Snapshot {
    /// Why is `other` not in the answer to a question about what is bought together?
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
            // The same candidates as the answer's: how many there are depends on the limit.
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

    /// Why is `other` not among the alternatives to the item of a question?
    pub fn why_not_instead(&self, query: &ItemQuery<'_>, other: &str) -> Verdict {
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
            self.standing_in(query, model_query, limits, |model_query, limits| {
                let shown = recommend::alternatives(self.model(), model_query, limits);
                let ranking = || recommend::alternatives_ranking(self.model(), model_query, limits);
                let verdict = self.verdict(Question::Alternatives, model_query, limits, item, &shown, ranking);
                let flaw = items.first().map(|&asked| self.model().flaw(asked, item, model_query.customer.as_ref()));
                // Others that come after it are shown, or there is room for it.
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

    /// The number of an item that might be shown; or why it is not, whatever else there is.
    fn named(&self, asked: &[u32], other: &str) -> Result<u32, Verdict> {
        let item = self.model().catalogue().items().position(other).ok_or(Verdict::Unknown)?;
        if asked.contains(&item) {
            return Err(Verdict::AskedAbout);
        }
        self.blocked_by(asked, item).map_or(Ok(item), |rule| Err(Verdict::Blocked(rule.to_owned())))
    }

    /// What is not there cannot be shown.
    fn not_there(&self, query: &ItemQuery<'_>, item: u32) -> Option<Verdict> {
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
        item: u32,
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
        let id = |item: u32| self.model().catalogue().items().get(item).to_owned();
        Verdict::Outranked(Standing {
            rank: rank + 1,
            candidates,
            score: ranked[rank].score,
            last_shown: last.map(|last| (id(last.item), last.score)),
            behind,
        })
    }
}

/// The signals in which one falls behind another.
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
