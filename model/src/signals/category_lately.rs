use super::{Signal, per_category};
use crate::{Ask, Model};

/// How lately the customer bought anything of the candidate's category: 1 on the last day of the period, a half [`DAYS`]
/// before, 0 for never.
pub(super) struct CategoryLately;

const DAYS: f32 = 30.0;

impl Signal for CategoryLately {
    fn name(&self) -> &'static str {
        "category_lately"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let lately = |last_day: u16| DAYS / (DAYS + model.histories().age(last_day));
        per_category(model, ask, candidates, out, |most, habit| most.max(lately(habit.last_day)), |_, most| most);
    }
}
