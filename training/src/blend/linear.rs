//! Linear weights of the signals, by which the relevant items of a case are the most likely ones of all its candidates.
//!
//! The loss is listwise (`ListNet`'s top-one, Cao et al. 2007): the mean negative log-likelihood of the relevant items
//! under a softmax of the candidates' scores. It is convex, and full-batch Adam (Kingma and Ba 2015) finds its minimum.
//! From there, `LambdaRank`'s gradients move the weights to the highest nDCG: likelihood depends on the whole list, but
//! a shop needs the first places.

use rayon::prelude::*;
use trolley_model::kernel::{add_scaled, dot};

use super::examples::Example;
use super::lambda::derivatives;

/// Numbers of steps by the likelihood, then by `LambdaRank`'s gradients.
const STEPS: [i32; 2] = [120, 80];
const RATES: [f32; 2] = [0.08, 0.03];

/// L2 regularisation, so that correlated signals do not get large weights of opposite signs.
const REGULARISATION: f32 = 1e-3;

/// Number of cases per task. Constant, so that sums do not depend on the number of threads.
const PIECE: usize = 256;

/// The weight of each signal; 0 for those that are not usable. `fixed` is the fixed part of a candidate's score; lists
/// have length `k`.
pub(super) fn learn(
    cases: &[&Example],
    usable: &[bool],
    fixed: &(impl Fn(&[f32]) -> f64 + Sync),
    k: usize,
) -> Vec<f32> {
    let width = usable.len();
    let spread = deviations(cases, width);
    let scale: Vec<f32> = spread
        .iter()
        .zip(usable)
        .map(|(&spread, usable)| if *usable && spread > 1e-6 { 1.0 / spread } else { 0.0 })
        .collect();
    let fixed: Vec<Vec<f32>> =
        cases.par_iter().map(|case| case.rows(width).map(|row| fixed(row) as f32).collect()).collect();
    let mut weights = vec![0.0f32; width];
    for (stage, (steps, rate)) in STEPS.into_iter().zip(RATES).enumerate() {
        let (mut mean, mut square) = (vec![0.0f32; width], vec![0.0f32; width]);
        for step in 1..=steps {
            let straight: Vec<f32> = weights.iter().zip(&scale).map(|(weight, scale)| weight * scale).collect();
            let pieces: Vec<Vec<f32>> = cases
                .par_chunks(PIECE)
                .zip(fixed.par_chunks(PIECE))
                .map(|(cases, fixed)| {
                    let mut gradient = vec![0.0; width];
                    for (case, fixed) in cases.iter().zip(fixed) {
                        match stage {
                            0 => add_likelihood(case, fixed, &straight, &mut gradient),
                            _ => add_lambdas(case, fixed, &straight, k, &mut gradient),
                        }
                    }
                    gradient
                })
                .collect();
            // The learning rate decays linearly over the last quarter of the steps.
            let rate = rate * (4.0 * (1.0 - (step - 1) as f32 / steps as f32)).min(1.0);
            for at in 0..width {
                let sum: f32 = pieces.iter().map(|piece| piece[at]).sum();
                let gradient = sum * scale[at] / cases.len() as f32 + REGULARISATION * weights[at];
                mean[at] = 0.9 * mean[at] + 0.1 * gradient;
                square[at] = 0.99 * square[at] + 0.01 * gradient * gradient;
                let unbiased = (square[at] / (1.0 - 0.99f32.powi(step))).sqrt() + 1e-8;
                weights[at] -= rate * mean[at] / (1.0 - 0.9f32.powi(step)) / unbiased;
            }
        }
    }
    weights.iter().zip(&scale).map(|(weight, scale)| weight * scale).collect()
}

/// Adds a case's `LambdaRank` gradient.
fn add_lambdas(case: &Example, fixed: &[f32], weights: &[f32], k: usize, gradient: &mut [f32]) {
    let rows = || case.rows(weights.len());
    let scores: Vec<f64> = rows().zip(fixed).map(|(row, fixed)| f64::from(dot(row, weights) + fixed)).collect();
    for (row, (pull, _)) in rows().zip(derivatives(&scores, &case.gains, &case.counts, k)) {
        if pull != 0.0 {
            add_scaled(gradient, pull, row);
        }
    }
}

/// Adds a case's gradient of the negative log-likelihood: the mean of the candidates, weighted by the softmax of their
/// scores, minus the mean of those with a gain, weighted by their gains.
fn add_likelihood(case: &Example, fixed: &[f32], weights: &[f32], gradient: &mut [f32]) {
    let rows = || case.rows(weights.len());
    let mut scores: Vec<f32> = rows().zip(fixed).map(|(row, fixed)| dot(row, weights) + fixed).collect();
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    scores.iter_mut().zip(&case.counts).for_each(|(score, count)| *score = count * (*score - most).exp());
    let all: f32 = scores.iter().sum();
    let gained: f32 = case.gains.iter().map(|gain| gain.max(0.0)).sum();
    for ((row, score), gain) in rows().zip(&scores).zip(&case.gains) {
        add_scaled(gradient, score / all - gain.max(0.0) / gained, row);
    }
}

/// Standard deviation of each signal over all candidates.
fn deviations(cases: &[&Example], width: usize) -> Vec<f32> {
    let (mut sums, mut squares, mut rows) = (vec![0.0f64; width], vec![0.0f64; width], 0.0f64);
    for row in cases.iter().flat_map(|case| case.rows(width)) {
        rows += 1.0;
        for (at, &value) in row.iter().enumerate() {
            sums[at] += f64::from(value);
            squares[at] += f64::from(value) * f64::from(value);
        }
    }
    let rows = rows.max(1.0);
    let variance = |(sum, square): (&f64, &f64)| (square / rows - (sum / rows) * (sum / rows)).max(0.0);
    sums.iter().zip(&squares).map(|sums| variance(sums).sqrt() as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_signal_that_decides_gets_the_weight() {
        let mut random = Random::new(1, &[]);
        let cases: Vec<Example> = (0..400)
            .map(|_| {
                let values: Vec<f32> = (0..60).map(|_| random.unit()).collect();
                // The candidate with the highest value of the second of three signals is relevant.
                let best = (0..20).max_by(|&a, &b| values[a * 3 + 1].total_cmp(&values[b * 3 + 1])).unwrap();
                let relevant = (0..20).map(|at| at == best).collect();
                Example::new(1, 0, relevant, values)
            })
            .collect();
        let cases: Vec<&Example> = cases.iter().collect();
        let weights = learn(&cases, &[true, true, true], &|_| 0.0, 6);
        assert!(weights[1] > 10.0 * weights[0].abs().max(weights[2].abs()), "{weights:?}");
        assert!(learn(&cases, &[true, false, true], &|_| 0.0, 6)[1].abs() < f32::EPSILON);
    }
}
