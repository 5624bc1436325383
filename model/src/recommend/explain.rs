use super::score::columns;
use super::{Offer, Recommended, Tier};
use crate::scorer::{Input, Scorer};
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
        Tier::Model => return explain_score(model, scorer(model, question, ask), ask, item, &Offer::default()),
        Tier::Pinned => None,
        Tier::Category => model.catalogue().category(item).map(|category| Evidence::SameCategory { category }),
        Tier::Habits => ask
            .customer
            .and_then(|customer| model.histories().habit(customer, item))
            .map(|habit| Evidence::BoughtBefore { times: habit.baskets, last_day: habit.last_day }),
        Tier::Bestsellers => Some(Evidence::Popular { baskets: model.catalogue().baskets(item) }),
    };
    vec![Reason { signal: tier.name(), value: score, share: score, evidence }]
}

/// Why an offer has its score: as [`explain`], and what its own numbers add, as one part by the name of `promotion`.
pub fn explain_offer(model: &Model, ask: &Ask<'_>, offer: &Offer<'_>, answer: &Recommended) -> Vec<Reason> {
    match answer.tier {
        Tier::Model => explain_score(model, &model.scorers().offers, ask, answer.item, offer),
        _ => explain(model, Question::Offers, ask, answer),
    }
}

fn explain_score(model: &Model, scorer: &Scorer, ask: &Ask<'_>, item: u32, offer: &Offer<'_>) -> Vec<Reason> {
    let mut values = columns(model, scorer, ask, &[item]);
    for (value, input) in values.iter_mut().zip(scorer.inputs()) {
        if let Input::Number(name) = input {
            *value = offer.number(name);
        }
    }
    let mut reasons = Vec::with_capacity(values.len());
    let mut promotion = 0.0;
    for ((input, &value), share) in scorer.inputs().iter().zip(&values).zip(scorer.parts(&values)) {
        match input {
            Input::Signal(signal) if share != 0.0 => {
                let signal = signals::ALL[*signal];
                let evidence = signal.evidence(model, ask, item);
                reasons.push(Reason { signal: signal.name(), value, share, evidence });
            }
            Input::Signal(_) => {}
            Input::Number(_) => promotion += share,
        }
    }
    if promotion != 0.0 {
        reasons.push(Reason { signal: "promotion", value: promotion, share: promotion, evidence: None });
    }
    reasons.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()));
    reasons
}

pub(super) fn scorer<'m>(model: &'m Model, question: Question, ask: &Ask<'_>) -> &'m Scorer {
    let scorers = model.scorers();
    match (question, ask.customer) {
        (Question::BoughtTogether, Some(_)) => &scorers.bought_together,
        (Question::BoughtTogether, None) => &scorers.bought_together_anonymous,
        (Question::Alternatives, Some(_)) => &scorers.alternatives,
        (Question::Alternatives, None) => &scorers.alternatives_anonymous,
        (Question::Offers, _) => &scorers.offers,
    }
}
