use super::category_co_purchase::shares;
use super::{Signal, log_small_share, matches};
use crate::{Ask, Model};

/// As `co_purchase`, but shrunk towards what the categories suggest: the share of baskets with the query's category that
/// hold the candidate's, times the candidate's share of its category. It speaks for items that sell too seldom to have
/// partners of their own.
pub(super) struct BackedCoPurchase;

const PRIOR_BASKETS: f32 = 20.0;

/// What a basket weighs in the pairs' weights, on average: the prior's baskets weigh no more.
const USUAL_WEIGHT: f32 = 0.35;

impl Signal for BackedCoPurchase {
    fn name(&self) -> &'static str {
        "backed_co_purchase"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        shares(model, ask, candidates, out);
        let catalogue = model.catalogue();
        let mean = 1.0 / ask.items.len().max(1) as f32;
        let prior: f32 = ask
            .items
            .iter()
            .map(|&query| mean * PRIOR_BASKETS / (catalogue.baskets(query) as f32 + PRIOR_BASKETS))
            .sum();
        for (&item, out) in candidates.iter().zip(&mut *out) {
            *out *= prior * USUAL_WEIGHT * catalogue.share_of_category(item);
        }
        for &query in ask.items {
            let whole = catalogue.baskets(query) as f32 + PRIOR_BASKETS;
            let partners = model.co_purchases().of(query);
            matches(candidates, partners, |pair| pair.item, |at, pair| out[at] += mean * pair.weight / whole);
        }
        out.iter_mut().for_each(|out| *out = log_small_share(*out));
    }
}
