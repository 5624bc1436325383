//! Bootstrap confidence intervals (Efron 1979), percentile method.
//!
//! Customers are resampled, not cases: results for one customer are correlated, and intervals that ignore this are too
//! narrow. All methods share the resamples, so their differences are paired.

use std::collections::HashMap;
use trolley_model::figures::Estimate;

use rayon::prelude::*;

use crate::random::Random;

/// Number of resamples.
const RESAMPLES: u64 = 1000;

/// The means of `N` metrics of several methods on the same cases, measured and resampled.
pub(super) struct Means<const N: usize> {
    owners: usize,
    /// Per method.
    measured: Vec<[f64; N]>,
    /// Per resample and method.
    drawn: Vec<Vec<[f64; N]>>,
}

impl<const N: usize> Means<N> {
    /// Takes the metrics per method and case, and the customer of each case. There must be a case. NaN means that a
    /// metric does not apply to the case, which is then left out of its mean.
    pub(super) fn new(figures: &[Vec<&[f64; N]>], owners: &[u32], seed: u64) -> Self {
        let mut place = HashMap::new();
        for owner in owners {
            let next = place.len();
            place.entry(*owner).or_insert(next);
        }
        // Per customer and method: the sum of each metric, and the number of cases to which it applies.
        let mut sums = vec![vec![[[0.0; 2]; N]; figures.len()]; place.len()];
        for (case, owner) in owners.iter().enumerate() {
            for (sums, of_contender) in sums[place[owner]].iter_mut().zip(figures) {
                for (sum, figure) in sums.iter_mut().zip(of_contender[case]).filter(|(_, figure)| !figure.is_nan()) {
                    *sum = [sum[0] + figure, sum[1] + 1.0];
                }
            }
        }
        let means = |times: &[f64]| -> Vec<[f64; N]> {
            let mut all = vec![[[0.0; 2]; N]; figures.len()];
            for (times, sums) in times.iter().zip(&sums).filter(|(times, _)| **times > 0.0) {
                for (all, sum) in all.iter_mut().flatten().zip(sums.iter().flatten()) {
                    *all = [all[0] + times * sum[0], all[1] + times * sum[1]];
                }
            }
            all.into_iter().map(|sums| sums.map(|[sum, cases]| sum / cases)).collect()
        };
        let draw = |number: u64| {
            let mut random = Random::new(seed, &[0xb0, number]);
            let mut times = vec![0.0; place.len()];
            (0..place.len()).for_each(|_| times[random.below(place.len())] += 1.0);
            means(&times)
        };
        let owners = place.len();
        Self {
            owners,
            measured: means(&vec![1.0; place.len()]),
            drawn: (0..RESAMPLES).into_par_iter().map(draw).collect(),
        }
    }

    /// Number of customers.
    pub(super) fn owners(&self) -> usize {
        self.owners
    }

    /// A method's mean of a metric; `None` if it applies to too few cases for an interval.
    pub(super) fn of(&self, method: usize, metric: usize) -> Option<Estimate> {
        self.estimate(|means| means[method][metric])
    }

    /// Lead of `method` over `other`, relative to the other's mean; `None` if that is 0.
    pub(super) fn lead(&self, method: usize, other: usize, metric: usize) -> Option<Estimate> {
        self.estimate(|means| means[method][metric] / means[other][metric] - 1.0)
    }

    /// Absolute lead of `method` over `other`, for metrics that may be near 0.
    pub(super) fn difference(&self, method: usize, other: usize, metric: usize) -> Option<Estimate> {
        self.estimate(|means| means[method][metric] - means[other][metric])
    }

    fn estimate(&self, of: impl Fn(&[[f64; N]]) -> f64) -> Option<Estimate> {
        let found = interval(of(&self.measured), self.drawn.iter().map(|means| of(means)).collect());
        Some(found).filter(|found| [found.value, found.low, found.high].iter().all(|number| number.is_finite()))
    }
}

/// Estimates of several values, from the measured ones and a function that resamples all of them.
pub(super) fn percentiles<const N: usize>(
    measured: [f64; N],
    draw: impl Fn(u64) -> [f64; N] + Sync + Send,
) -> [Estimate; N] {
    let drawn: Vec<[f64; N]> = (0..RESAMPLES).into_par_iter().map(draw).collect();
    std::array::from_fn(|at| interval(measured[at], drawn.iter().map(|draw| draw[at]).collect()))
}

fn interval(value: f64, mut drawn: Vec<f64>) -> Estimate {
    drawn.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| drawn[(share * (drawn.len() - 1) as f64).round() as usize];
    Estimate { value, low: at(0.025), high: at(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_coin_is_that_of_the_binomial_and_a_pair_has_a_narrow_difference() {
        let mut random = Random::new(3, &[]);
        let (mut heads, mut better) = (Vec::new(), Vec::new());
        for _ in 0..1000 {
            let head = f64::from(u8::from(random.unit() < 0.3));
            heads.push([head; 3]);
            better.push([head * 1.1; 3]);
        }
        let owners: Vec<u32> = (0..1000).collect();
        let means = Means::new(&[heads.iter().collect(), better.iter().collect()], &owners, 1);
        let Estimate { value, low, high } = means.of(0, 0).unwrap();
        // 1.96 √(.3 × .7 / 1000) = .0284
        assert!((value - 0.3).abs() < 0.04 && (high - low - 0.0568).abs() < 0.008, "{value} {low} {high}");
        let lead = means.lead(1, 0, 2).unwrap();
        assert!((lead.low - 0.1).abs() < 1e-9 && (lead.high - 0.1).abs() < 1e-9, "{lead:?}");
    }

    #[test]
    fn answers_to_the_same_customer_are_not_independent() {
        let figures: Vec<[f64; 3]> = (0..1000).map(|case| [f64::from(u8::from(case < 300)); 3]).collect();
        let figures = [figures.iter().collect::<Vec<_>>()];
        let of_100 = Means::new(&figures, &(0..1000).map(|case| case / 10).collect::<Vec<_>>(), 1).of(0, 0).unwrap();
        let of_1000 = Means::new(&figures, &(0..1000).collect::<Vec<_>>(), 1).of(0, 0).unwrap();
        assert!(of_100.high - of_100.low > 2.5 * (of_1000.high - of_1000.low), "{of_100:?} {of_1000:?}");
    }

    #[test]
    fn a_figure_is_the_mean_of_the_cases_that_it_applies_to() {
        let none = f64::NAN;
        let (ours, theirs) = ([[0.4, none], [0.2, none], [none, none]], [[0.1, none], [0.3, none], [0.9, none]]);
        let means = Means::new(&[ours.iter().collect(), theirs.iter().collect()], &[7, 7, 7], 1);
        let value = |estimate: Option<Estimate>| (estimate.unwrap().value * 1e6).round() as i64;
        assert_eq!(value(means.of(0, 0)), 300_000, "of two cases");
        assert_eq!(value(means.difference(0, 1, 0)), -133_333, "0.3 beside 1.3 / 3");
        assert_eq!(means.of(0, 1), None, "it applies to none");
    }
}
