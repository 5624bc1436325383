use super::Score;

/// The figures of one query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    hit: bool,
    recall: f64,
    ndcg: f64,
}

/// Judges a list: `shown` best first, `wanted` rising, `relevant` how many should ideally be found.
pub(super) fn figures(shown: &[u32], wanted: &[u32], relevant: usize, k: usize) -> Figures {
    let hit = |item: &u32| wanted.binary_search(item).is_ok();
    let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let hits = shown.iter().take(k).filter(|item| hit(item)).count();
    let gain: f64 =
        shown.iter().take(k).enumerate().filter(|(_, item)| hit(item)).map(|(rank, _)| discount(rank)).sum();
    let ideal: f64 = (0..k.min(relevant)).map(discount).sum();
    Figures {
        hit: hits > 0,
        recall: if relevant == 0 { 0.0 } else { hits as f64 / relevant as f64 },
        ndcg: if ideal > 0.0 { gain / ideal } else { 0.0 },
    }
}

/// The means over all queries; zeros if there is none.
pub(super) fn mean(figures: &[Figures]) -> Score {
    let mean = |of: fn(&Figures) -> f64| figures.iter().map(of).sum::<f64>() / figures.len().max(1) as f64;
    Score { hit_rate: mean(|f| f64::from(u8::from(f.hit))), recall: mean(|f| f.recall), ndcg: mean(|f| f.ndcg) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // Hits at ranks 1 and 3 of the three relevant: (1 + 1/2) / (1 + 1/log2(3) + 1/2).
        let found = figures(&[7, 8, 9], &[7, 9, 11], 3, 6);
        assert!(found.hit);
        assert!((found.recall - 2.0 / 3.0).abs() < 1e-12);
        assert!((found.ndcg - 1.5 / 2.130_929_753_571_457).abs() < 1e-12);
        // More relevant items than places: six hits are perfect.
        assert!((figures(&[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6, 7, 8], 8, 6).ndcg - 1.0).abs() < 1e-12);
        // What stands beyond k does not count.
        assert!(!figures(&[1, 2, 3], &[3], 1, 2).hit);
        assert_eq!(mean(&[]), Score { hit_rate: 0.0, recall: 0.0, ndcg: 0.0 });
    }
}
