//! Choice of the item focus: how much a blend of bought together depends on the query item, and how much on the
//! customer.
//!
//! The label of a candidate is 1 if it is in the basket, minus `focus` times how usual it is for the customer without
//! the item: an estimate of P(candidate | item, customer) - focus × P(candidate | customer). The best focus differs by
//! shop: the more its customers reorder, the fewer hits are due to the item.

use rayon::prelude::*;
use trolley_model::ListRules;
use trolley_model::figures::Focus;
use trolley_model::recommend::varied;

use super::cases::Cases;
use super::examples::{Example, Examples};
use super::lambda::order;

/// The values to try, ascending; 0 learns a shopping list.
const TRIED: [f64; 5] = [0.0, 0.2, 0.35, 0.5, 0.8];

/// Maximum number of cases on which they are tried; larger sets are sampled evenly.
const CASES: usize = 5000;

/// Minimum hit rate, relative to that of a shopping list.
const LEAST_HIT_RATE: f64 = 0.95;

/// Metrics per case.
struct Judged {
    hits: Vec<f64>,
    due: Vec<f64>,
}

/// The best focus, and all that were tried. `ranked` learns from some cases and scores others; the lists follow
/// `rules`. Each half of the customers is evaluated by what was learned from the other one.
pub(super) fn chosen(
    examples: &mut Examples,
    rules: &ListRules,
    ranked: impl Fn(&Examples, &[&Example], &[&Example]) -> Cases,
) -> (f64, Vec<Focus>) {
    let mut tried: Vec<Judged> = Vec::new();
    let each = examples.cases.len().div_ceil(CASES).max(1);
    for focus in TRIED {
        examples.focus(focus);
        let mut judged = Judged { hits: Vec::new(), due: Vec::new() };
        for half in 0..2 {
            let (held_out, others): (Vec<&Example>, Vec<&Example>) =
                examples.cases.iter().step_by(each).partition(|case| case.fold % 2 == half);
            let learned: Vec<&Example> = others.into_iter().filter(|case| case.can_gain()).collect();
            if held_out.is_empty() || learned.is_empty() {
                return (0.0, Vec::new());
            }
            let ranked = ranked(examples, &learned, &held_out);
            let figures: Vec<(f64, f64)> = held_out
                .par_iter()
                .zip(&ranked.cases)
                .map(|(case, scored)| figures(case, &shown(case, &order(&scored.scores), rules, ranked.k)))
                .collect();
            judged.hits.extend(figures.iter().map(|figures| figures.0));
            judged.due.extend(figures.iter().map(|figures| figures.1));
        }
        tried.push(judged);
    }
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len().max(1) as f64;
    let at = best(&tried);
    let focus = |(nth, judged): (usize, &Judged)| Focus {
        focus: TRIED[nth],
        hit_rate: mean(&judged.hits),
        due_to_item: mean(&judged.due),
        chosen: nth == at,
    };
    (TRIED[at], tried.iter().enumerate().map(focus).collect())
}

/// The first `k` candidates of an order, under the list rules.
fn shown(case: &Example, order: &[u32], rules: &ListRules, k: usize) -> Vec<u32> {
    if case.kinds.is_empty() {
        return order.iter().copied().take(k).collect();
    }
    varied(rules, order.iter().map(|&at| (at, case.kinds[at as usize])), |_, _| false, k, k)
}

/// Whether a list has a hit (0 or 1), and its recall due to the item: recall minus the mean recall in the customer's
/// other baskets, including those before the period.
fn figures(case: &Example, list: &[u32]) -> (f64, f64) {
    let shown = || list.iter().map(|&at| at as usize);
    let hits = shown().filter(|&at| case.relevant[at]).count() as f64;
    let elsewhere: f64 = shown().map(|at| f64::from(case.elsewhere[at])).sum();
    (hits.min(1.0), hits / case.wanted.len() as f64 - elsewhere)
}

/// The position of the focus with the most due to the item among those with the minimum hit rate; the smallest of equal
/// ones. A one-standard-error rule would leave a shop with few cases with a shopping list.
fn best(tried: &[Judged]) -> usize {
    let hits = |at: usize| tried[at].hits.iter().sum::<f64>();
    let due = |at: usize| tried[at].due.iter().sum::<f64>();
    let eligible = (0..tried.len()).filter(|&at| hits(at) >= LEAST_HIT_RATE * hits(0));
    eligible.reduce(|best, at| if due(at) > due(best) { at } else { best }).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(hit_rate: f64, due: f64) -> Judged {
        let hits = (0..100).map(|case| if f64::from(case) < 100.0 * hit_rate { 1.0 } else { 0.0 }).collect();
        Judged { hits, due: vec![due; 100] }
    }

    #[test]
    fn the_focus_with_the_most_due_to_the_item_within_the_hit_rate() {
        let rising = [judged(0.8, 0.04), judged(0.79, 0.05), judged(0.78, 0.06), judged(0.70, 0.08)];
        assert_eq!(best(&rising), 2, "the last one costs 12 % of the hits");
        let level = [judged(0.8, 0.04), judged(0.79, 0.06), judged(0.78, 0.06), judged(0.77, 0.06)];
        assert_eq!(best(&level), 1);
        assert_eq!(best(&[judged(0.8, 0.06), judged(0.8, 0.05)]), 0);
    }

    #[test]
    fn what_the_customer_buys_anyway_is_not_due_to_the_item() {
        let mut case = Example::new(0, 0, vec![true, true, false], Vec::new());
        assert_eq!(figures(&case, &[0, 2]), (1.0, 0.5), "nothing is usual");
        case.elsewhere = vec![0.25, 0.0, 0.125];
        assert_eq!(figures(&case, &[0, 2]), (1.0, 0.5 - 0.375));
        assert_eq!(figures(&case, &[2]), (0.0, -0.125));
    }
}
