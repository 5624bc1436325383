use super::{Evidence, Signal, bought_before, log_share, matches};
use crate::{Ask, Model};

/// In how many of the customer's last [`BASKETS`] baskets the item was, as a shrunk share.
pub(super) struct LastBaskets;

const BASKETS: usize = 10;
const PRIOR_BASKETS: f32 = 2.0;

impl Signal for LastBaskets {
    fn name(&self) -> &'static str {
        "last_baskets"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        out.fill(0.0);
        let Some(customer) = ask.customer else { return };
        let items = model.histories().items(customer);
        let (mut counts, mut baskets) = (vec![0u16; items.len()], PRIOR_BASKETS);
        for basket in model.histories().last_baskets(customer).rev().take(BASKETS) {
            baskets += 1.0;
            basket.positions.iter().for_each(|&at| counts[usize::from(at)] += 1);
        }
        let entries = items.iter().zip(&counts);
        matches(
            candidates,
            entries,
            |entry| *entry.0,
            |at, (_, &count)| out[at] = log_share(f32::from(count) / baskets),
        );
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        bought_before(model, ask, candidate)
    }
}
