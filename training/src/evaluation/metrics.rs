//! Metrics of one recommendation list.

use trolley_model::Item;

/// The metrics that [`figures`] computes, in order: hit rate, recall and nDCG at k.
pub(crate) const METRICS: [&str; 3] = ["hit_rate", "recall", "ndcg"];

/// One value per metric.
pub(crate) type Figures = [f64; METRICS.len()];

/// The metrics of a list at `k`. `shown` is the list, best first. `relevant` are the relevant items that could be
/// recommended, ascending, out of `relevant_count` in all.
pub(super) fn figures(shown: &[Item], relevant: &[Item], relevant_count: usize, k: usize) -> Figures {
    let hit = |item: &Item| relevant.binary_search(item).is_ok();
    let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let hits = shown.iter().take(k).filter(|item| hit(item)).count();
    let gain: f64 =
        shown.iter().take(k).enumerate().filter(|(_, item)| hit(item)).map(|(rank, _)| discount(rank)).sum();
    let ideal: f64 = (0..k.min(relevant_count)).map(discount).sum();
    [
        f64::from(u8::from(hits > 0)),
        if relevant_count == 0 { 0.0 } else { hits as f64 / relevant_count as f64 },
        if ideal > 0.0 { gain / ideal } else { 0.0 },
    ]
}

/// The area under the ROC curve of scores, and the placement of each score (`DeLong` et al. 1988). The placement of a
/// positive is the share of negatives below it, that of a negative the share of positives above it; ties count half.
/// The mean placement of either class is the area. `None` unless both classes occur.
pub(super) fn area_under_curve(scores: &[(f32, bool)]) -> Option<(f64, Vec<f64>)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].0.total_cmp(&scores[b].0));
    let positives = scores.iter().filter(|(_, positive)| *positive).count();
    let negatives = scores.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut placements = vec![0.0; scores.len()];
    let (mut good_below, mut bad_below, mut area) = (0usize, 0usize, 0.0);
    for same in order.chunk_by(|&a, &b| scores[a].0.total_cmp(&scores[b].0).is_eq()) {
        let good = same.iter().filter(|&&at| scores[at].1).count();
        let bad = same.len() - good;
        for &at in same {
            placements[at] = if scores[at].1 {
                (bad_below as f64 + bad as f64 / 2.0) / negatives as f64
            } else {
                (positives - good_below) as f64 / positives as f64 - good as f64 / 2.0 / positives as f64
            };
        }
        area += good as f64 * (bad_below as f64 + bad as f64 / 2.0);
        good_below += good;
        bad_below += bad;
    }
    Some((area / (positives as f64 * negatives as f64), placements))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // Hits at ranks 1 and 3, of three relevant items: (1 + 1/2) / (1 + 1/log2(3) + 1/2).
        let [hit, recall, ndcg] = figures(&[7, 8, 9].map(Item), &[7, 9, 11].map(Item), 3, 6);
        assert!((hit - 1.0).abs() < 1e-12);
        assert!((recall - 2.0 / 3.0).abs() < 1e-12);
        assert!((ndcg - 1.5 / 2.130_929_753_571_457).abs() < 1e-12);
        // More relevant items than places: six hits are perfect.
        assert!(
            (figures(&[1, 2, 3, 4, 5, 6].map(Item), &[1, 2, 3, 4, 5, 6, 7, 8].map(Item), 8, 6)[2] - 1.0).abs() < 1e-12
        );
        // Items beyond k do not count.
        assert_eq!(figures(&[1, 2, 3].map(Item), &[Item(3)], 1, 2).map(|figure| figure as u32), [0, 0, 0]);
    }

    #[test]
    fn the_curve_of_a_perfect_a_reversed_and_a_constant_score() {
        let area = |scores: &[(f32, bool)]| area_under_curve(scores).map(|(area, _)| area);
        assert_eq!(area(&[(1.0, false), (2.0, true), (3.0, true)]), Some(1.0));
        assert_eq!(area(&[(1.0, true), (2.0, false)]), Some(0.0));
        assert_eq!(area(&[(1.0, true), (1.0, false), (1.0, false)]), Some(0.5));
        assert_eq!(area(&[(1.0, true)]), None);
        // One positive is above both negatives, the other above one of them: 3 of 4 pairs.
        let (area, placements) = area_under_curve(&[(4.0, true), (1.0, false), (2.0, true), (3.0, false)]).unwrap();
        assert_eq!((area, placements), (0.75, vec![1.0, 1.0, 0.5, 0.5]));
    }
}
