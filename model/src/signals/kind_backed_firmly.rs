use super::{Signal, log_small_shares};
use crate::FeatureContext;
use crate::priors::FIRM_PRIOR;

/// As `kind_backed_co_purchase`, with a stronger prior: for items with so few sales that their own partners are chance.
pub(super) struct KindBackedFirmly;

impl Signal for KindBackedFirmly {
    fn name(&self) -> &'static str {
        "kind_backed_firmly"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        context.fill_backed_shares(out, FIRM_PRIOR);
        log_small_shares(out);
    }
}
