use super::{Signal, log_shares, of_bought};
use crate::FeatureContext;

/// How often the customer buys the candidate in a week in which it is on offer, on a logarithmic scale; 0 for items
/// that they have never bought, and without data on offers.
pub(super) struct TakenOnOffer;

impl Signal for TakenOnOffer {
    fn name(&self) -> &'static str {
        "taken_on_offer"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let Some(customer) = context.query.customer else { return out.fill(0.0) };
        of_bought(context, out, |bought| customer.taken_on_offer(bought.position));
        log_shares(out);
    }
}
