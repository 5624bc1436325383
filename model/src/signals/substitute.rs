use super::Signal;
use crate::kernel::dot;
use crate::{Ask, Model};

/// Cosine of the input vectors of query item and candidate: high for items that are bought in the same company, as
/// those are that stand in for each other.
pub(super) struct Substitute;

impl Signal for Substitute {
    fn name(&self) -> &'static str {
        "substitute"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let mut query = ask.mean_vector(model.input());
        let length = dot(&query, &query).sqrt();
        if length > 0.0 {
            query.iter_mut().for_each(|x| *x /= length);
        }
        for (&item, out) in candidates.iter().zip(out) {
            *out = if (item as usize) < model.input().len() { dot(model.input().unit(item), &query) } else { 0.0 };
        }
    }
}
