use super::{Signal, of_category};
use crate::Scene;

/// How lately the customer bought anything of the candidate's category: 1 on the last day of the period, a half [`DAYS`]
/// before, 0 for never.
pub(super) struct CategoryLately;

const DAYS: f32 = 30.0;

impl Signal for CategoryLately {
    fn name(&self) -> &'static str {
        "category_lately"
    }

    fn fill(&self, scene: &Scene<'_>, out: &mut [f32]) {
        let histories = scene.model.histories();
        of_category(scene, out, |_, own| DAYS / (DAYS + histories.age(own.last_day)));
    }
}
