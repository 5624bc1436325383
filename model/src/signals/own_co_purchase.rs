use super::{Signal, log_share, of_last_baskets};
use crate::{Ask, Model};

/// The share of those of the customer's own baskets with an item of the query that hold the candidate too.
///
/// Shrunk towards their habit: where they have never bought the query, that is all there is to say.
pub(super) struct OwnCoPurchase;

const HALF_LIFE: f32 = 75.0;
const PRIOR_BASKETS: f32 = 1.5;

impl Signal for OwnCoPurchase {
    fn name(&self) -> &'static str {
        "own_co_purchase"
    }

    fn fill(&self, model: &Model, ask: &Ask<'_>, candidates: &[u32], out: &mut [f32]) {
        let items = ask.customer.map_or(&[][..], |customer| model.histories().items(customer));
        let mut asked: Vec<usize> = ask.items.iter().filter_map(|item| items.binary_search(item).ok()).collect();
        asked.sort_unstable();
        with_query(model, ask, candidates, out, |at| asked.binary_search(&at).is_ok());
    }
}

/// The same of baskets that hold any of the positions which `asked` names.
pub(super) fn with_query(
    model: &Model,
    ask: &Ask<'_>,
    candidates: &[u32],
    out: &mut [f32],
    asked: impl Fn(usize) -> bool,
) {
    out.fill(0.0);
    if ask.items.is_empty() {
        return;
    }
    let habit = ask.customer.map(|customer| model.histories().weigh(customer, |basket| decay(basket.age)));
    let Some((habit, all)) = habit else { return };
    let mut at = 0;
    of_last_baskets(
        model,
        ask,
        candidates,
        out,
        |basket| {
            if basket.positions.iter().any(|&at| asked(usize::from(at))) { decay(basket.age) } else { 0.0 }
        },
        |sum, with_query| {
            let usual = habit[at] / (all + 2.0);
            at += 1;
            log_share((sum + PRIOR_BASKETS * usual) / (with_query + PRIOR_BASKETS))
        },
    );
}

fn decay(age: f32) -> f32 {
    (-age / HALF_LIFE).exp2()
}
