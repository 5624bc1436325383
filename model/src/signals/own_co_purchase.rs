use super::{Signal, log_shares, of_bought};
use crate::priors::OWN_PAIR_PRIOR;
use crate::{FeatureContext, Item, Position};

/// Of the customer's own baskets with a query item, the share that also holds the candidate.
///
/// Shrunk towards the candidate's share of all their baskets, which is all there is if they have never bought a query
/// item.
pub(super) struct OwnCoPurchase;

/// The weighting with a half-life of 75 days.
const WAY: usize = 1;

impl Signal for OwnCoPurchase {
    fn name(&self) -> &'static str {
        "own_co_purchase"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let items = context.query.customer.map_or(&[][..], |customer| customer.items());
        let position = |item: &Item| u16::try_from(items.binary_search(item).ok()?).ok().map(Position);
        let asked: Vec<Position> = context.query.items.iter().filter_map(position).collect();
        with_query(context, out, |basket| asked.iter().any(|position| basket.binary_search(position).is_ok()));
    }
}

/// The share of the customer's last baskets selected by `counts` that hold the candidate, shrunk towards its share of
/// all of them. `counts` receives the positions of a basket's items in the history.
pub(super) fn with_query(context: &FeatureContext<'_>, out: &mut [f32], counts: impl Fn(&[Position]) -> bool) {
    out.fill(0.0);
    let Some(customer) = context.query.customer.filter(|_| !context.query.items.is_empty()) else { return };
    let all = context.weighed();
    let with = context.weigh(&customer, counts);
    of_bought(context, out, |bought| {
        let usual = all.sums[bought.position][WAY] / (all.all[WAY] + 2.0);
        (with.sums[bought.position][WAY] + OWN_PAIR_PRIOR * usual) / (with.all[WAY] + OWN_PAIR_PRIOR)
    });
    log_shares(out);
}
