use crate::blend::Blend;
use crate::signals::{self, Evidence};
use crate::{Ask, Model};

/// Which of the three questions an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the functions that answer them")]
pub enum Question {
    BoughtTogether,
    Alternatives,
    Offers,
}

/// What one signal contributes to a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// The signal's name.
    pub signal: &'static str,
    /// Its value for the item.
    pub value: f32,
    /// Its part of the score: weight times value. The parts sum up to the score.
    pub share: f32,
    /// What it rests on.
    pub evidence: Option<Evidence>,
}

/// Why the model's own tier gave `item` its score: all signals that are not 0, those that say most first.
pub fn explain(model: &Model, question: Question, ask: &Ask<'_>, item: u32) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = blend(model, question, ask)
        .terms()
        .iter()
        .filter_map(|&(signal, weight)| {
            let signal = signals::ALL[signal];
            let mut value = [0.0];
            signal.fill(model, ask, &[item], &mut value);
            let [value] = value;
            (value != 0.0).then(|| Reason {
                signal: signal.name(),
                value,
                share: weight * value,
                evidence: signal.evidence(model, ask, item),
            })
        })
        .collect();
    reasons.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()));
    reasons
}

pub(super) fn blend<'m>(model: &'m Model, question: Question, ask: &Ask<'_>) -> &'m Blend {
    let blends = model.blends();
    match (question, ask.customer) {
        (Question::BoughtTogether, Some(_)) => &blends.bought_together,
        (Question::BoughtTogether, None) => &blends.bought_together_anonymous,
        (Question::Alternatives, Some(_)) => &blends.alternatives,
        (Question::Alternatives, None) => &blends.alternatives_anonymous,
        (Question::Offers, _) => &blends.offers,
    }
}
