use super::{Recommended, Tier};
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
    /// The signal's name; below the model's own tier, the tier's.
    pub signal: &'static str,
    /// Its value for the item.
    pub value: f32,
    /// Its part of the score. The parts sum up to the score.
    pub share: f32,
    /// What it rests on.
    pub evidence: Option<Evidence>,
}

/// Why an item has its score: all signals that add something, those that say most first.
pub fn explain(model: &Model, question: Question, ask: &Ask<'_>, answer: &Recommended) -> Vec<Reason> {
    let Recommended { item, score, tier } = *answer;
    let evidence = match tier {
        Tier::Model => return explain_blend(model, blend(model, question, ask), ask, item),
        Tier::Category => model.catalogue().category(item).map(|category| Evidence::SameCategory { category }),
        Tier::Habits => ask
            .customer
            .and_then(|customer| model.histories().habit(customer, item))
            .map(|habit| Evidence::BoughtBefore { times: habit.baskets, last_day: habit.last_day }),
        Tier::Bestsellers => Some(Evidence::Popular { baskets: model.catalogue().baskets(item) }),
    };
    vec![Reason { signal: tier.name(), value: score, share: score, evidence }]
}

fn explain_blend(model: &Model, blend: &Blend, ask: &Ask<'_>, item: u32) -> Vec<Reason> {
    let mut reasons = Vec::with_capacity(blend.terms().len());
    for (signal, weight) in blend.terms() {
        let signal = signals::ALL[*signal];
        let mut values = [0.0];
        signal.fill(model, ask, &[item], &mut values);
        let [value] = values;
        let share = weight.of(value);
        if share != 0.0 {
            reasons.push(Reason { signal: signal.name(), value, share, evidence: signal.evidence(model, ask, item) });
        }
    }
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
