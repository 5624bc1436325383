//! The gradients of `LambdaRank` (Burges 2010, section 4). Every pair of candidates with different gains, of which one
//! is near the top, is weighted by the change of nDCG if the two were swapped. Gains are linear and may be negative.

/// Number of places after the first `k` that count as near the top.
const BEYOND: usize = 4;

/// The discount of a rank, from 0, in the discounted cumulative gain.
pub(super) fn discount(rank: usize) -> f64 {
    1.0 / (rank as f64 + 2.0).log2()
}

/// The candidates' positions, best first.
pub(super) fn order(scores: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
    order
}

/// The discounted cumulative gain of the first `k` in an order.
pub(super) fn gained(order: &[u32], gains: &[f32], k: usize) -> f64 {
    order.iter().take(k).enumerate().map(|(rank, &at)| f64::from(gains[at as usize]) * discount(rank)).sum()
}

/// The first and second derivatives of the loss of one case by each candidate's score. `counts` has the number of
/// candidates that each one represents; lists have length `k`.
pub(super) fn derivatives(scores: &[f64], gains: &[f32], counts: &[f32], k: usize) -> Vec<(f32, f32)> {
    let near = (k + BEYOND).min(scores.len());
    let order = order(scores);
    let mut derivatives = vec![(0.0f32, 0.0f32); order.len()];
    let discounts: Vec<f32> = (0..order.len()).map(|rank| discount(rank) as f32).collect();
    let mut positive: Vec<f32> = gains.iter().copied().filter(|gain| *gain > 0.0).collect();
    positive.sort_unstable_by(|a, b| b.total_cmp(a));
    let ideal: f32 = positive.iter().zip(&discounts[..near]).map(|(gain, discount)| gain * discount).sum();
    if ideal <= 0.0 {
        return derivatives;
    }
    let spread = scores[order[0] as usize] > scores[order[order.len() - 1] as usize];
    let mut total = 0.0;
    for high in 0..near {
        let above = order[high] as usize;
        for low in high + 1..order.len() {
            let below = order[low] as usize;
            let gained = gains[above] - gains[below];
            if gained == 0.0 {
                continue;
            }
            let (better, worse) = if gained > 0.0 { (above, below) } else { (below, above) };
            let ahead = (scores[better] - scores[worse]) as f32;
            let mut change = counts[better] * counts[worse] * gained.abs() * (discounts[high] - discounts[low]) / ideal;
            if spread {
                change /= 0.01 + ahead.abs();
            }
            let wrong_way = 1.0 / (1.0 + ahead.exp());
            let (pull, bend) = (wrong_way * change, wrong_way * (1.0 - wrong_way) * change);
            derivatives[better].0 -= pull;
            derivatives[worse].0 += pull;
            derivatives[better].1 += bend;
            derivatives[worse].1 += bend;
            total += 2.0 * pull;
        }
    }
    // Normalised, so that cases with many wrong pairs do not dominate.
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
        let pulls = derivatives(&[3.0, 1.0, 2.0, 0.0], &[0.0, 1.0, 0.0, 0.0], &[1.0; 4], 2);
        assert!(pulls[1].0 < 0.0 && pulls[0].0 > 0.0 && pulls[2].0 > 0.0, "{pulls:?}");
        assert!(pulls[0].0 > pulls[3].0, "the one at the top must give way most");
        assert!(pulls.iter().map(|pull| pull.0).sum::<f32>().abs() < 1e-6);
        assert!(pulls.iter().all(|pull| pull.1 >= 0.0));
    }

    #[test]
    fn what_is_bought_anyway_makes_way_more_than_what_is_not_bought() {
        let pulls = derivatives(&[2.0, 2.0, 1.0], &[-0.5, 0.0, 1.0], &[1.0; 3], 2);
        assert!(pulls[0].0 > 0.0 && pulls[0].0 > pulls[1].0 && pulls[2].0 < 0.0, "{pulls:?}");
        let hopeless = derivatives(&[2.0, 1.0], &[-0.5, 0.0], &[1.0; 2], 2);
        assert_eq!(hopeless, [(0.0, 0.0); 2], "there is no best order to compare with");
    }
}
