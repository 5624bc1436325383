use super::{Evidence, Signal, log_small_share, matches};
use crate::{Ask, Model};

/// The share of the query item's baskets that hold the candidate too, each basket of n items counted as 1/√(n-1);
/// over a cart, the mean of its items' shares.
///
/// Shrunk towards the candidate's popularity, as if the query item had been in [`PRIOR_BASKETS`] baskets more that
/// were like any other: a pair seen twice does not outrank one seen two hundred times.
pub(super) struct CoPurchase;

/// Strength of the shrinkage, in baskets.
const PRIOR_BASKETS: f32 = 20.0;

impl Signal for CoPurchase {
    fn name(&self) -> &'static str {
        "co_purchase"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        out.fill(0.0);
        if ask.items.is_empty() {
            return;
        }
        let catalogue = model.catalogue();
        let mean = 1.0 / ask.items.len() as f32;
        let mut prior = 0.0;
        for &query in ask.items {
            let whole = catalogue.baskets(query) as f32 + PRIOR_BASKETS;
            prior += mean * PRIOR_BASKETS / whole;
            matches(
                candidates,
                model.co_purchases().of(query),
                |p| p.item,
                |at, partner| {
                    out[at] += mean * partner.weight / whole;
                },
            );
        }
        for (&item, out) in candidates.iter().zip(out) {
            *out = log_small_share(*out + prior * catalogue.popularity(item));
        }
    }

    fn evidence(&self, model: &Model, ask: &Ask<'_>, candidate: u32) -> Option<Evidence> {
        ask.items
            .iter()
            .filter_map(|&query| Some((query, model.co_purchases().pair(query, candidate)?.baskets)))
            .max_by_key(|&(query, baskets)| (baskets, std::cmp::Reverse(query)))
            .map(|(with, baskets)| Evidence::BoughtTogether { with, baskets })
    }
}
