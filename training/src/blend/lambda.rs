//! The gradients of `LambdaRank` (Burges 2010, section 4): every pair of a right and a wrong candidate, of which one is near
//! the top, pulls by as much as nDCG would change if the two changed places.

/// A candidate is near the top within so many places beyond the last one that is shown.
const BEYOND: usize = 4;

/// What an item at a rank from 0 adds to the discounted cumulative gain.
pub(super) fn discount(rank: usize) -> f64 {
    1.0 / (rank as f64 + 2.0).log2()
}

/// The candidates' positions, best first.
pub(super) fn order(scores: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
    order
}

/// First and second derivative of the loss of one case by each candidate's score. `counts` says for how many each
/// candidate stands; the first `k` are shown.
pub(super) fn derivatives(scores: &[f64], relevant: &[bool], counts: &[f32], k: usize) -> Vec<(f32, f32)> {
    let near = k + BEYOND;
    let order = order(scores);
    let mut derivatives = vec![(0.0f32, 0.0f32); order.len()];
    let discounts: Vec<f32> = (0..order.len()).map(|rank| discount(rank) as f32).collect();
    let (right, wrong): (Vec<usize>, Vec<usize>) = (0..order.len()).partition(|&rank| relevant[order[rank] as usize]);
    let ideal: f32 = discounts[..near.min(right.len())].iter().sum();
    let spread = scores[order[0] as usize] > scores[order[order.len() - 1] as usize];
    let mut total = 0.0;
    for &high in &right {
        // Of a right one that is not near the top itself, only the wrong ones that are.
        let near_enough = if high < near { wrong.len() } else { wrong.partition_point(|&rank| rank < near) };
        let of_right = order[high] as usize;
        for &low in &wrong[..near_enough] {
            let of_wrong = order[low] as usize;
            let ahead = (scores[of_right] - scores[of_wrong]) as f32;
            let mut change = counts[of_wrong] * (discounts[high] - discounts[low]).abs() / ideal;
            if spread {
                change /= 0.01 + ahead.abs();
            }
            let wrong_way = 1.0 / (1.0 + ahead.exp());
            let (pull, bend) = (wrong_way * change, wrong_way * (1.0 - wrong_way) * change);
            derivatives[of_right].0 -= pull;
            derivatives[of_wrong].0 += pull;
            derivatives[of_right].1 += bend;
            derivatives[of_wrong].1 += bend;
            total += 2.0 * pull;
        }
    }
    // Cases in which everything is wrong must not drown the others.
    if total > 0.0 {
        let scale = (1.0 + total).log2() / total;
        derivatives.iter_mut().for_each(|(first, second)| {
            *first *= scale;
            *second *= scale;
        });
    }
    derivatives
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_one_is_pulled_up_and_all_pulls_sum_up_to_nothing() {
        let pulls = derivatives(&[3.0, 1.0, 2.0, 0.0], &[false, true, false, false], &[1.0; 4], 2);
        assert!(pulls[1].0 < 0.0 && pulls[0].0 > 0.0 && pulls[2].0 > 0.0, "{pulls:?}");
        assert!(pulls[0].0 > pulls[3].0, "the one at the top must give way most");
        assert!(pulls.iter().map(|pull| pull.0).sum::<f32>().abs() < 1e-6);
        assert!(pulls.iter().all(|pull| pull.1 >= 0.0));
    }
}
