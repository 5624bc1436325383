use super::{Limits, Recommended, Tier};
use crate::scorer::{Input, Scorer};
use crate::top::Top;
use crate::{FeatureContext, Item, Model, NumberSet, Query, Question, signals};

/// The scorer of a question, for a known or an anonymous customer.
pub(super) fn scorer<'m>(model: &'m Model, question: Question, query: &Query<'_>) -> &'m Scorer {
    &model.scorers()[question.asked_for(query.customer.is_some())]
}

/// The score of each candidate. Candidates must be strictly ascending.
pub(super) fn score(model: &Model, scorer: &Scorer, query: &Query<'_>, candidates: &[Item]) -> Vec<f32> {
    scorer.score(&columns(model, scorer, query, candidates), candidates.len())
}

/// The values of the scorer's inputs, one column per input (inputs × candidates); 0 for the numbers of offers.
pub(super) fn columns(model: &Model, scorer: &Scorer, query: &Query<'_>, candidates: &[Item]) -> Vec<f32> {
    let context = FeatureContext::new(model, *query, candidates);
    let of_items = signals::of_all_items(model);
    let attributes = model.attributes().all();
    let mut columns = vec![0.0; scorer.inputs().len() * candidates.len()];
    for (input, column) in scorer.inputs().iter().zip(columns.chunks_exact_mut(candidates.len().max(1))) {
        match input {
            Input::Signal(signal) if of_items.fill(*signal, candidates, column) => {}
            Input::Signal(signal) => signals::ALL[*signal].fill(&context, column),
            Input::Attribute(at) => signals::likeness(&context, &attributes[*at], column),
            Input::Number(_) => {}
        }
    }
    columns
}

/// Sorts candidates from several sources and removes duplicates and items that are not `allowed`.
pub(super) fn tidy(model: &Model, candidates: &[Item], allowed: impl Fn(Item) -> bool) -> Vec<Item> {
    let mut set = NumberSet::new(model.catalogue().items().len());
    candidates.iter().for_each(|&item| set.set(item.0, true));
    let mut tidy = Vec::with_capacity(candidates.len());
    tidy.extend(set.iter().map(Item).filter(|&item| allowed(item)));
    tidy
}

/// The best `wanted` candidates by the blend of the question, without pinned items. Candidates must be strictly
/// ascending.
pub(super) fn best(
    model: &Model,
    question: Question,
    query: &Query<'_>,
    candidates: &[Item],
    limits: &Limits<'_>,
    wanted: usize,
) -> impl Iterator<Item = Recommended> + use<> {
    let mut scores = score(model, scorer(model, question, query), query, candidates);
    if let Some(boost) = limits.boost {
        scores.iter_mut().zip(candidates).for_each(|(score, &item)| *score += boost(item));
    }
    let mut top = Top::new(wanted);
    for (&item, &score) in candidates.iter().zip(&scores).filter(|(item, _)| !limits.pinned.contains(item)) {
        top.push(score, item.0);
    }
    top.into_sorted().into_iter().map(|(item, score)| Recommended { item: Item(item), score, tier: Tier::Model })
}
