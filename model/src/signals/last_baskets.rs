use super::{Signal, log_shares, of_bought};
use crate::FeatureContext;
use crate::priors::HABIT_PRIOR;

/// The share of the customer's last [`BASKETS`] baskets that hold the item, shrunk.
pub(super) struct LastBaskets;

const BASKETS: usize = 10;

impl Signal for LastBaskets {
    fn name(&self) -> &'static str {
        "last_baskets"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        out.fill(0.0);
        let Some(customer) = context.query.customer else { return };
        let (mut counts, mut baskets) = (vec![0u16; customer.items().len()], HABIT_PRIOR);
        for basket in customer.last_baskets().rev().take(BASKETS) {
            baskets += 1.0;
            basket.positions.iter().for_each(|&position| counts[position.index()] += 1);
        }
        of_bought(context, out, |bought| f32::from(counts[bought.position]) / baskets);
        log_shares(out);
    }
}
