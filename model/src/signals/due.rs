use super::{Signal, cadence, of_bought};
use crate::FeatureContext;

/// The time since the customer's last purchase of the item relative to their usual interval; see [`cadence`].
pub(super) struct Due;

impl Signal for Due {
    fn name(&self) -> &'static str {
        "due"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        of_bought(context, out, |bought| {
            let stats = bought.stats;
            cadence(context, u32::from(stats.baskets), stats.first_day, stats.last_day)
        });
    }
}
