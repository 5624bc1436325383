use super::explain::{Question, blend};
use super::{Recommended, Tier};
use crate::blend::Blend;
use crate::top::Top;
use crate::{Ask, Model, signals};

/// The blend's weighted sum for each candidate. Candidates must be strictly rising.
pub(super) fn score(model: &Model, blend: &Blend, ask: &Ask<'_>, candidates: &[u32]) -> Vec<f32> {
    let mut sums = vec![0.0; candidates.len()];
    let mut values = vec![0.0; candidates.len()];
    for (signal, weight) in blend.terms() {
        signals::ALL[*signal].fill(model, ask, candidates, &mut values);
        weight.add(&values, &mut sums);
    }
    sums
}

/// Sorts candidates from several sources and drops duplicates and what may not be shown.
pub(super) fn tidy(mut candidates: Vec<u32>, allowed: impl Fn(u32) -> bool) -> Vec<u32> {
    candidates.sort_unstable();
    candidates.dedup();
    candidates.retain(|&item| allowed(item));
    candidates
}

/// The model's own tier: the best of the candidates, which must be strictly rising, by the blend of the question.
pub(super) fn best(
    model: &Model,
    question: Question,
    ask: &Ask<'_>,
    candidates: &[u32],
    limit: usize,
) -> Vec<Recommended> {
    let mut top = Top::new(limit);
    for (&item, &score) in candidates.iter().zip(&score(model, blend(model, question, ask), ask, candidates)) {
        top.push(score, item);
    }
    top.into_sorted().into_iter().map(|(item, score)| Recommended { item, score, tier: Tier::Model }).collect()
}
