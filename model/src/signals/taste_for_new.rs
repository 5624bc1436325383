use super::taste::Taste;
use super::{Signal, of_history};
use crate::{Ask, Model};

/// As `taste`, but 0 for what the customer has bought before: there their own history says more, and taste counts less.
pub(super) struct TasteForNew;

impl Signal for TasteForNew {
    fn name(&self) -> &'static str {
        "taste_for_new"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        only_new(model, ask, candidates, out, &Taste);
    }
}

/// Another signal, but 0 for what the customer has bought before, and if nobody is known.
pub(super) fn only_new(model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32], signal: &dyn Signal) {
    if ask.customer.is_none() {
        return out.fill(0.0);
    }
    let mut bought = vec![0.0; candidates.len()];
    of_history(model, ask, candidates, &mut bought, |_, _| 1.0);
    signal.fill(model, ask, candidates, out);
    out.iter_mut().zip(bought).filter(|(_, bought)| *bought > 0.0).for_each(|(out, _)| *out = 0.0);
}
