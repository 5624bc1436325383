//! Evaluation of audiences: how well the scores of an offer separate its buyers from all other customers.

use std::collections::BTreeMap;
use trolley_model::figures::Estimate;

use rayon::prelude::*;
use trolley_model::recommend;
use trolley_model::{Customer, Model};

use super::bootstrap::percentiles;
use super::case::Case;
use super::metrics::area_under_curve;
use super::neighbours::MOST_CUSTOMERS;
use super::offered::Offered;
use crate::input::Transactions;
use crate::random::Random;

/// Minimum number of buyers of an evaluated offer.
const BUYERS: usize = 5;

/// Number of offers evaluated at a time, which bounds the memory for the customers' influences.
const PIECE: usize = 64;

/// A value for the model, and for the customers' own decayed purchases of the item.
type Pair = [f64; 2];

/// The areas under the ROC curve of all offers.
#[derive(Default)]
pub(super) struct Audiences {
    /// Per offer.
    areas: Vec<Pair>,
    /// Per customer, the change of the sum of all areas if the customer were counted twice, to first order.
    influence: BTreeMap<u32, Pair>,
}

impl Audiences {
    /// Adds each offer of a week with enough buyers. The scores equal those of [`recommend::audience`], but are
    /// computed for all offers of a customer at once.
    pub(super) fn judge(
        &mut self,
        model: &Model,
        cases: &[Case],
        offered: &Offered,
        names: &[String],
        transactions: &Transactions,
        seed: u64,
    ) {
        let items = &offered.items;
        let mut buyers: Vec<Vec<Customer>> = vec![Vec::new(); items.len()];
        for (case, customer) in cases.iter().filter_map(|case| Some((case, case.customer?))) {
            for at in case.relevant.iter().filter_map(|item| items.binary_search(item).ok()) {
                buyers[at].push(customer);
            }
        }
        buyers.iter_mut().for_each(|buyers| buyers.sort_unstable());
        let judged: Vec<usize> = (0..items.len()).filter(|&at| buyers[at].len() >= BUYERS).collect();
        let on_offer = offered.ready(model, names, judged.iter().copied());
        // Memory holds a score for each customer and offer, so a large number of customers is sampled.
        let mut customers: Vec<Customer> = model.histories().numbers().collect();
        if customers.len() > MOST_CUSTOMERS {
            Random::new(seed, &[0xad]).shuffle(&mut customers);
            customers.truncate(MOST_CUSTOMERS);
        }
        let scores: Vec<Vec<f32>> = customers
            .par_iter()
            .map(|&customer| {
                let mut scores = vec![0.0; judged.len()];
                for found in recommend::offers(model, Some(model.profile(customer)), &on_offer, judged.len()) {
                    scores[found.offer] = found.score;
                }
                scores
            })
            .collect();
        let of_offer = |(number, &at): (usize, &usize)| {
            let bought = |customer: usize| buyers[at].binary_search(&customers[customer]).is_ok();
            let stats = |customer: usize| {
                model.profile(customers[customer]).stats_of(items[at]).map_or(0.0, |stats| stats.decayed)
            };
            let all = || 0..customers.len();
            let ours: Vec<(f32, bool)> = all().map(|customer| (scores[customer][number], bought(customer))).collect();
            let habits: Vec<(f32, bool)> = all().map(|customer| (stats(customer), bought(customer))).collect();
            Some([influences(&ours)?, influences(&habits)?])
        };
        let mut sums: Vec<Pair> = vec![[0.0; 2]; customers.len()];
        let numbered: Vec<(usize, &usize)> = judged.iter().enumerate().collect();
        for piece in numbered.chunks(PIECE) {
            let found: Vec<_> = piece.par_iter().filter_map(|&offer| of_offer(offer)).collect();
            for [(ours, of_ours), (habits, of_habits)] in found {
                self.areas.push([ours, habits]);
                for (sum, (ours, habits)) in sums.iter_mut().zip(of_ours.iter().zip(&of_habits)) {
                    *sum = [sum[0] + ours, sum[1] + habits];
                }
            }
        }
        for (&customer, moved) in customers.iter().zip(sums) {
            // By the number in the transactions, because each week's model numbers customers differently.
            let Some(owner) = transactions.customers.position(model.histories().id(customer)) else {
                continue;
            };
            let sum = self.influence.entry(owner).or_default();
            *sum = [sum[0] + moved[0], sum[1] + moved[1]];
        }
    }

    /// The mean area over all offers, for the model and for the customers' own decayed purchases. `None` without
    /// offers. The intervals resample both offers and customers, because the same customers influence many offers. The
    /// effect of resampling customers on an area is computed from their placements, to first order.
    pub(super) fn estimates(&self, seed: u64) -> Option<[Estimate; 2]> {
        if self.areas.is_empty() {
            return None;
        }
        let (offers, influence) = (self.areas.len(), self.influence.values().copied().collect::<Vec<Pair>>());
        let add = |sum: Pair, other: &Pair| [sum[0] + other[0], sum[1] + other[1]];
        let mean = |sum: Pair| sum.map(|sum| sum / offers as f64);
        // The sum over all customers is 0 except for rounding.
        let none = influence.iter().fold([0.0; 2], add);
        let draw = |number: u64| {
            let mut random = Random::new(seed, &[0xa0d, number]);
            let areas = (0..offers).fold([0.0; 2], |sum, _| add(sum, &self.areas[random.below(offers)]));
            let customers = influence.len();
            let moved = (0..customers).fold([0.0; 2], |sum, _| add(sum, &influence[random.below(customers)]));
            mean([areas[0] + moved[0] - none[0], areas[1] + moved[1] - none[1]])
        };
        let measured = mean(self.areas.iter().fold([0.0; 2], add));
        Some(percentiles(measured, draw))
    }
}

/// The area under the ROC curve, and its change if each customer were counted twice, to first order.
fn influences(scores: &[(f32, bool)]) -> Option<(f64, Vec<f64>)> {
    let (area, placements) = area_under_curve(scores)?;
    let positives = scores.iter().filter(|(_, positive)| *positive).count();
    let each = |(&placement, &(_, positive)): (&f64, &(f32, bool))| {
        (placement - area) / (if positive { positives } else { scores.len() - positives }) as f64
    };
    Some((area, placements.iter().zip(scores).map(each).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_customers_who_decide_about_many_offers_are_no_sure_thing() {
        // Forty offers with the same area: of the same 30 customers, the same 8 bought each.
        let scores: Vec<(f32, bool)> = (0..30u8).map(|customer| (f32::from(customer * 7 % 30), customer < 8)).collect();
        let (area, moved) = influences(&scores).unwrap();
        let influence = moved.iter().zip(0..).map(|(moved, owner)| (owner, [40.0 * moved; 2])).collect();
        let all = Audiences { areas: vec![[area; 2]; 40], influence };
        let [found, _] = all.estimates(1).unwrap();
        assert!((found.value - area).abs() < 1e-12);
        // The standard error by DeLong et al., from the placements of both classes.
        let spread = |positive: bool| {
            let of_kind = || scores.iter().zip(&moved).filter(move |((_, kind), _)| *kind == positive);
            of_kind().map(|(_, moved)| moved * moved).sum::<f64>()
        };
        let error = (spread(true) + spread(false)).sqrt();
        let width = found.high - found.low;
        assert!((width / (2.0 * 1.96 * error) - 1.0).abs() < 0.1, "{width} {error}");
    }
}
