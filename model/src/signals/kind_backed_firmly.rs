use super::{Signal, backed_shares, log_small_shares};
use crate::FeatureContext;

/// As `kind_backed_co_purchase`, with a stronger backing: for items that sell so seldom that their own partners are luck.
pub(super) struct KindBackedFirmly;

const PRIOR_BASKETS: f32 = 100.0;

impl Signal for KindBackedFirmly {
    fn name(&self) -> &'static str {
        "kind_backed_firmly"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        backed_shares(context, out, PRIOR_BASKETS);
        log_small_shares(out);
    }
}
