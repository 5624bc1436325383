use super::{Signal, log_shares, of_first};
use crate::FeatureContext;
use crate::priors::SWITCH_PRIOR;

/// Of customers' switches to or from the first item of the query, the share from or to the candidate, with
/// [`SWITCH_PRIOR`] prior switches distributed by popularity within the category. On the scale of [`log_shares`]; 0
/// without a query.
pub(super) struct Switched;

impl Signal for Switched {
    fn name(&self) -> &'static str {
        "switched"
    }

    fn fill(&self, context: &FeatureContext<'_>, out: &mut [f32]) {
        let (model, Some(&item)) = (context.model, context.query.items.first()) else { return out.fill(0.0) };
        let all: f32 = model.switches().of(item).map(|pair| pair.weight).sum::<f32>() + SWITCH_PRIOR;
        let catalogue = model.catalogue();
        let kind = catalogue.kind(item);
        of_first(context, out, |item, other| {
            let weight = model.switches().pair(item, other).map_or(0.0, |pair| pair.weight);
            let usual =
                if kind.is_some() && catalogue.kind(other) == kind { catalogue.share_of_category(other) } else { 0.0 };
            (weight + SWITCH_PRIOR * usual) / all
        });
        log_shares(out);
    }
}
