use super::{Signal, USUAL_WEIGHT, add_popularity, log_small_shares};
use crate::FeatureContext;
use crate::priors::PAIR_PRIOR;

/// As `co_purchase`, but shrunk towards how often the candidate is in baskets with anything of the query's category: what
/// goes with other brands goes with this one too.
pub(super) struct KindBackedCoPurchase;

impl Signal for KindBackedCoPurchase {
    fn name(&self) -> &'static str {
        "kind_backed_co_purchase"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        out.copy_from_slice(context.backed_shares());
        log_small_shares(out);
    }
}

/// The shares as if the query's item had been in `prior` baskets more that were like those of its category.
pub(crate) fn backed_shares(context: &FeatureContext<'_>, out: &mut [f32], prior: f32) {
    let catalogue = context.model.catalogue();
    out.fill(0.0);
    let whole = |query_item: u32| catalogue.baskets(query_item) as f32 + prior;
    let of_kind = |query_item: u32| {
        catalogue.category(query_item).map(|category| catalogue.category_baskets(category) as f32 + PAIR_PRIOR)
    };
    for pair in context.partners() {
        out[pair.at] += pair.weight * pair.counts.weight / whole(pair.query_item);
    }
    for pair in context.category_partners() {
        let backing = pair.weight * prior / whole(pair.query_item);
        out[pair.at] += backing * pair.counts.weight / of_kind(pair.query_item).unwrap_or(1.0);
    }
    let backing = |&(query_item, weight): &(u32, f32)| {
        weight * prior / whole(query_item) * of_kind(query_item).map_or(1.0, |of| PAIR_PRIOR / of)
    };
    let popular: f32 = context.asked().iter().map(backing).sum::<f32>() * USUAL_WEIGHT;
    add_popularity(context, out, popular);
}
