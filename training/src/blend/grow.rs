//! Growth of one tree of two levels by second-order boosting (Chen and Guestrin 2016, `XGBoost`, equations 5 to 7) over
//! histograms.

use rayon::prelude::*;

use super::cases::{BINS, Binned, Cases, Grown, Split};
use super::lambda::derivatives;

/// Minimum sum of second derivatives in a leaf; a case has about a fifth.
const LEAST_BEND: f64 = 2.0;

/// L2 regularisation of the leaves: added to the sum of second derivatives.
const REGULARISATION: f64 = 1.0;

/// Number of cases per task. Constant, so that sums do not depend on the number of threads.
const PIECE: usize = 256;

/// Sums of first and second derivatives.
type Sums<T> = [T; 2];

/// By column and bin.
type Histogram<T> = Vec<[Sums<T>; BINS + 1]>;

/// The best split of a node: its gain, its place, and the sums on both sides.
#[derive(Clone, Copy)]
struct Found {
    gained: f64,
    split: Split,
    sides: [Sums<f64>; 2],
}

impl Cases {
    /// Grows a tree on the drawn cases, with the best split at each node and leaves multiplied by the learning rate
    /// `rate`. `None` if there is no split with a gain.
    pub(super) fn grow(&self, drawn: &[bool], usable: &[bool], rate: f64) -> Option<Grown> {
        let drawn: Vec<&Binned> =
            self.cases.iter().zip(drawn).filter(|(_, drawn)| **drawn).map(|(case, _)| case).collect();
        let pulls: Vec<Vec<(f32, f32)>> = drawn
            .par_iter()
            .with_min_len(16)
            .map(|case| derivatives(&case.scores, &case.gains, &case.counts, self.k))
            .collect();
        let all = histogram(&drawn, &pulls, usable, None);
        let root = best_split(&all, usable)?;
        // The smaller side is counted, and the larger one is the difference.
        let smaller = usize::from(root.sides[0][1] > root.sides[1][1]);
        let counted = histogram(&drawn, &pulls, usable, Some((root.split, smaller == 1)));
        let mut rest = all;
        for (rest, counted) in rest.iter_mut().flatten().flatten().zip(counted.iter().flatten().flatten()) {
            *rest -= counted;
        }
        let sides = if smaller == 0 { [counted, rest] } else { [rest, counted] };
        let below = [0, 1].map(|side| {
            // A side without a further split has two equal leaves.
            let whole = Found { gained: 0.0, split: root.split, sides: [root.sides[side]; 2] };
            best_split(&sides[side], usable).unwrap_or(whole)
        });
        let leaf = |[first, second]: Sums<f64>| -rate * first / (second + REGULARISATION);
        Some(Grown {
            splits: [root.split, below[0].split, below[1].split],
            adds: [below[0].sides[0], below[0].sides[1], below[1].sides[0], below[1].sides[1]].map(leaf),
        })
    }
}

/// The sums over all candidates, or over those on one side of a split (`true` for the right one).
fn histogram(
    cases: &[&Binned],
    pulls: &[Vec<(f32, f32)>],
    usable: &[bool],
    side: Option<(Split, bool)>,
) -> Histogram<f64> {
    let pieces: Vec<Histogram<f32>> = cases
        .par_chunks(PIECE)
        .zip(pulls.par_chunks(PIECE))
        .map(|(cases, pulls)| {
            let mut sums = vec![[[0.0; 2]; BINS + 1]; usable.len()];
            let mut counted: Vec<(u32, f32, f32)> = Vec::new();
            for (case, pulls) in cases.iter().zip(pulls) {
                counted.clear();
                let pulled = pulls.iter().enumerate().filter(|(_, pull)| pull.1 != 0.0);
                let pulled = pulled.map(|(at, &(first, second))| (at as u32, first, second));
                match side {
                    None => counted.extend(pulled),
                    Some((split, right)) => {
                        let bins = case.column(split.column);
                        counted.extend(pulled.filter(|(at, ..)| (bins[*at as usize] >= split.from) == right));
                    }
                }
                for (column, sums) in sums.iter_mut().enumerate().filter(|&(column, _)| usable[column]) {
                    let bins = case.column(column);
                    for &(at, first, second) in &counted {
                        let sum = &mut sums[usize::from(bins[at as usize])];
                        sum[0] += first;
                        sum[1] += second;
                    }
                }
            }
            sums
        })
        .collect();
    let mut all = vec![[[0.0; 2]; BINS + 1]; usable.len()];
    for piece in &pieces {
        for (all, sum) in all.iter_mut().flatten().flatten().zip(piece.iter().flatten().flatten()) {
            *all += f64::from(*sum);
        }
    }
    all
}

/// The split with the largest gain over all usable columns.
fn best_split(histogram: &Histogram<f64>, usable: &[bool]) -> Option<Found> {
    let gain = |sums: &Sums<f64>| sums[0] * sums[0] / (sums[1] + REGULARISATION);
    let mut best: Option<Found> = None;
    for (column, sums) in histogram.iter().enumerate().filter(|&(column, _)| usable[column]) {
        let all = sums.iter().fold([0.0; 2], |all, sum| [all[0] + sum[0], all[1] + sum[1]]);
        let mut left = [0.0; 2];
        for from in 1..sums.len() {
            left = [left[0] + sums[from - 1][0], left[1] + sums[from - 1][1]];
            let right = [all[0] - left[0], all[1] - left[1]];
            if left[1] < LEAST_BEND || right[1] < LEAST_BEND {
                continue;
            }
            let gained = gain(&left) + gain(&right) - gain(&all);
            if gained > best.map_or(1e-9, |best| best.gained) {
                best = Some(Found { gained, split: Split { column, from: from as u8 }, sides: [left, right] });
            }
        }
    }
    best
}
