use super::{Signal, log_small_share, matches};
use crate::{Ask, Model};

/// As `co_purchase`, but shrunk towards how often the candidate is in baskets with anything of the query's category: what
/// goes with other brands goes with this one too.
pub(super) struct KindBackedCoPurchase;

const PRIOR_BASKETS: f32 = 20.0;

/// As in `backed_co_purchase`.
const USUAL_WEIGHT: f32 = 0.35;

impl Signal for KindBackedCoPurchase {
    fn name(&self) -> &'static str {
        "kind_backed_co_purchase"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let catalogue = model.catalogue();
        out.fill(0.0);
        let (mean, mut popular) = (1.0 / ask.items.len().max(1) as f32, 0.0);
        for &query in ask.items {
            let whole = catalogue.baskets(query) as f32 + PRIOR_BASKETS;
            let mut prior = mean * PRIOR_BASKETS / whole;
            if let Some(category) = catalogue.category(query) {
                let of_kind = catalogue.category_baskets(category) as f32 + PRIOR_BASKETS;
                let partners = model.category_partners().of(category);
                matches(candidates, partners, |pair| pair.item, |at, pair| out[at] += prior * pair.weight / of_kind);
                prior *= PRIOR_BASKETS / of_kind;
            }
            popular += prior * USUAL_WEIGHT;
            let partners = model.co_purchases().of(query);
            matches(candidates, partners, |pair| pair.item, |at, pair| out[at] += mean * pair.weight / whole);
        }
        for (&item, out) in candidates.iter().zip(out) {
            *out = log_small_share(*out + popular * catalogue.popularity(item));
        }
    }
}
