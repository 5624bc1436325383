use super::Signal;
use crate::{Ask, Model};

/// Input vector of the query item · output vector of the candidate: high for items of the same baskets. Over a cart,
/// the mean of its items.
///
/// The sum that skip-gram with negative sampling learns is the log of how much oftener than by chance the two meet
/// (Levy and Goldberg 2014, section 3.1).
pub(super) struct Complement;

impl Signal for Complement {
    fn name(&self) -> &'static str {
        "complement"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let query = ask.mean_vector(model.input());
        for (&item, out) in candidates.iter().zip(out) {
            *out = if (item as usize) < model.output().len() { model.output().dot(item, &query) } else { 0.0 };
        }
    }
}
