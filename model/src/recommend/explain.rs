use std::borrow::Cow;

use super::score::{columns, scorer};
use super::{Offer, Recommended, Tier};
use crate::scorer::Input;
use crate::signals;
use crate::{Model, Query, Question};

/// The part of a score that one signal contributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The signal's name; in tiers other than `model`, the name of the tier.
    pub signal: Cow<'static, str>,
    /// Its value for the item.
    pub value: f32,
    /// Its contribution. The contributions of all signals add up to the score.
    pub share: f32,
}

/// The name of the part that the numbers of an offer contribute.
pub const PROMOTION: &str = "promotion";

/// The nonzero parts of an item's score, the largest absolute ones first.
pub fn explain(model: &Model, question: Question, query: &Query<'_>, answer: &Recommended) -> Vec<Part> {
    explain_offer(model, question, query, &Offer::default(), answer)
}

/// As [`explain`], with the contribution of an offer's own numbers as one part named [`PROMOTION`].
pub fn explain_offer(
    model: &Model,
    question: Question,
    query: &Query<'_>,
    offer: &Offer<'_>,
    answer: &Recommended,
) -> Vec<Part> {
    let Recommended { item, score, tier } = *answer;
    if tier != Tier::Model {
        return vec![Part { signal: tier.name().into(), value: score, share: score }];
    }
    let scorer = scorer(model, question, query);
    let mut values = columns(model, scorer, query, &[item]);
    for (value, input) in values.iter_mut().zip(scorer.inputs()) {
        if let Input::Number(name) = input {
            *value = offer.number(name);
        }
    }
    let attributes = model.attributes().signals();
    let mut parts = Vec::with_capacity(values.len());
    let mut promotion = 0.0;
    for ((input, &value), share) in scorer.inputs().iter().zip(&values).zip(scorer.parts(&values)) {
        match input {
            Input::Signal(signal) if share != 0.0 => {
                parts.push(Part { signal: signals::ALL[*signal].name().into(), value, share });
            }
            Input::Attribute(at) if share != 0.0 => {
                parts.push(Part { signal: attributes[*at].clone().into(), value, share });
            }
            Input::Signal(_) | Input::Attribute(_) => {}
            Input::Number(_) => promotion += share,
        }
    }
    if promotion != 0.0 {
        parts.push(Part { signal: PROMOTION.into(), value: promotion, share: promotion });
    }
    parts.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()));
    parts
}
