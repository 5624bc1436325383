//! Confidence intervals by the bootstrap (Efron 1979), percentile method.
//!
//! What is drawn is customers, not answers: the answers to one customer resemble each other, and an interval that takes
//! them for independent is too narrow. All contenders are drawn together, so their differences are paired.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::metrics::{Figures, METRICS};
use crate::random::Random;

/// Times that the customers are drawn anew.
const RESAMPLES: u64 = 1000;

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean over all answers.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The means of several contenders on the same cases, as measured and as drawn anew.
pub(super) struct Means {
    owners: usize,
    /// Per contender.
    measured: Vec<Figures>,
    /// Per draw and contender.
    drawn: Vec<Vec<Figures>>,
}

impl Means {
    /// From the figures of each contender and case, and whose case it is. There must be a case.
    pub(super) fn new(figures: &[Vec<&Figures>], owners: &[u32], seed: u64) -> Self {
        let mut place = HashMap::new();
        for owner in owners {
            let next = place.len();
            place.entry(*owner).or_insert(next);
        }
        // Per owner: the number of cases, and per contender the sum of their figures.
        let mut cases = vec![0.0; place.len()];
        let mut sums = vec![vec![[0.0; METRICS.len()]; figures.len()]; place.len()];
        for (case, owner) in owners.iter().enumerate() {
            let at = place[owner];
            cases[at] += 1.0;
            for (sum, of_contender) in sums[at].iter_mut().zip(figures) {
                add(sum, of_contender[case], 1.0);
            }
        }
        let means = |times: &[f64]| {
            let all: f64 = times.iter().zip(&cases).map(|(times, cases)| times * cases).sum();
            let mut means = vec![[0.0; METRICS.len()]; figures.len()];
            for (times, sums) in times.iter().zip(&sums).filter(|(times, _)| **times > 0.0) {
                means.iter_mut().zip(sums).for_each(|(mean, sum)| add(mean, sum, times / all));
            }
            means
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

    /// How many customers are drawn.
    pub(super) fn owners(&self) -> usize {
        self.owners
    }

    /// A contender's mean of a metric.
    pub(super) fn of(&self, contender: usize, metric: usize) -> Estimate {
        self.estimate(|means| means[contender][metric])
    }

    /// How far `contender` is ahead of `other`, as a share of the other's mean; `None` if that is 0.
    pub(super) fn lead(&self, contender: usize, other: usize, metric: usize) -> Option<Estimate> {
        let lead = |means: &[Figures]| means[contender][metric] / means[other][metric] - 1.0;
        Some(self.estimate(lead)).filter(|lead| [lead.value, lead.low, lead.high].iter().all(|x| x.is_finite()))
    }

    fn estimate(&self, of: impl Fn(&[Figures]) -> f64) -> Estimate {
        interval(of(&self.measured), self.drawn.iter().map(|means| of(means)).collect())
    }
}

/// Several numbers with their intervals, from what was measured and a way to draw all of them anew.
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

fn add(sum: &mut Figures, figures: &Figures, weight: f64) {
    sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += weight * figure);
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
        let Estimate { value, low, high } = means.of(0, 0);
        // 1.96 √(.3 × .7 / 1000) = .0284
        assert!((value - 0.3).abs() < 0.04 && (high - low - 0.0568).abs() < 0.008, "{value} {low} {high}");
        let lead = means.lead(1, 0, 2).unwrap();
        assert!((lead.low - 0.1).abs() < 1e-9 && (lead.high - 0.1).abs() < 1e-9, "{lead:?}");
    }

    #[test]
    fn answers_to_the_same_customer_are_not_independent() {
        let figures: Vec<Figures> = (0..1000).map(|case| [f64::from(u8::from(case < 300)); 3]).collect();
        let figures = [figures.iter().collect::<Vec<_>>()];
        let of_100 = Means::new(&figures, &(0..1000).map(|case| case / 10).collect::<Vec<_>>(), 1).of(0, 0);
        let of_1000 = Means::new(&figures, &(0..1000).collect::<Vec<_>>(), 1).of(0, 0);
        assert!(of_100.high - of_100.low > 2.5 * (of_1000.high - of_1000.low), "{of_100:?} {of_1000:?}");
    }
}
