use trolley_model::recommend::{self, Part, Question, Recommended, Tier};

use super::snapshot::{Query, Snapshot};

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
    /// The rule of this ID blocks it.
    Blocked(String),
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
    pub behind: Vec<(&'static str, f32)>,
}

impl Snapshot {
    /// Why is `other` not in the answer to a question about what is bought together?
    pub fn why_not(&self, query: &Query<'_>, other: &str) -> Verdict {
        let items = self.numbers(query.items);
        let Some(item) = self.model().catalogue().items().position(other) else { return Verdict::Unknown };
        if items.contains(&item) {
            return Verdict::AskedAbout;
        }
        if let Some(rule) = self.blocked_by(&items, item) {
            return Verdict::Blocked(rule.to_owned());
        }
        if self.is_out_of_stock(item) {
            return Verdict::OutOfStock;
        }
        self.within_limits(query, &items, |ask, limits| {
            let shown = recommend::bought_together(self.model(), ask, limits);
            if let Some(at) = shown.iter().position(|shown| shown.item == item) {
                return Verdict::Shown(at + 1);
            }
            if !recommend::may_show(self.model(), ask, limits, item) {
                return Verdict::LeftOut;
            }
            // The same candidates as the answer's: how many there are depends on the limit.
            let ranked = recommend::bought_together_ranking(self.model(), ask, limits);
            let Some(rank) = ranked.iter().position(|found| found.item == item) else { return Verdict::NoCandidate };
            let candidates = ranked.len();
            let question = Question::together(ask, limits);
            let parts = |found: &Recommended| self.why(question, ask, found).parts;
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
        })
    }
}

/// The signals in which one falls behind another.
fn behind(shown: &[Part], other: &[Part]) -> Vec<(&'static str, f32)> {
    let part = |of: &[Part], signal: &str| -> f32 {
        of.iter().filter(|part| part.signal == signal).map(|part| part.share).sum()
    };
    let mut signals: Vec<&'static str> = shown.iter().chain(other).map(|part| part.signal).collect();
    signals.sort_unstable();
    signals.dedup();
    let mut behind: Vec<(&'static str, f32)> = signals
        .into_iter()
        .map(|signal| (signal, part(other, signal) - part(shown, signal)))
        .filter(|(_, difference)| *difference < 0.0)
        .collect();
    behind.sort_by(|a, b| a.1.total_cmp(&b.1));
    behind
}
