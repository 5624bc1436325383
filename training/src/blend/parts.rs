//! A blend must be better than its best part: a single signal, or a plain sum of a few.
//!
//! This is the one-standard-error rule (Breiman et al. 1984, section 3.4.3): of models that are about equally good, the
//! simplest serves. A blend of 39 signals that is no better than one of them on the weeks from which it was learned has
//! overfitted these weeks, and is worse on the next. On a wholesaler's 402 customers it was ahead by 0.2 % then and
//! behind by 1.7 % later.

use rayon::prelude::*;
use trolley_model::Blend;
use trolley_model::figures::BestPart;
use trolley_model::kernel::dot;

use super::Examples;
use super::examples::Example;
use super::lambda::{gained, order};
use super::paired::Difference;

/// Plain sums that shops use. Without a customer, `purchases` is 0, and both sums are the same.
const PLAIN: [(&str, &[(&str, f32)]); 2] = [
    ("logs of co-purchase and popularity", &[("co_purchase_count", 1.0), ("recent_popularity", 0.15)]),
    (
        "logs of co-purchase, popularity and own purchases",
        &[("co_purchase_count", 1.0), ("recent_popularity", 0.15), ("purchases", 1.0)],
    ),
];

/// Approximate number of cases on which the best part is chosen. Larger sets are sampled evenly, to less than twice
/// this number.
const TRIED: usize = 2000;

/// The comparison of a blend with its best part, from the difference of the two.
pub(super) fn best_part(name: String, difference: &Difference, serves: bool) -> BestPart {
    let Difference { means: [blend, part], standard_error, customers, .. } = *difference;
    BestPart { name, part, blend, standard_error, customers, serves }
}

/// The best part on the learned cases, by nDCG: one of the usable signals or plain sums.
pub(super) fn best(examples: &Examples, learned: &[&Example], usable: &[bool], k: usize) -> Option<(String, Blend)> {
    let is_usable = |name: &str| examples.names.iter().zip(usable).any(|(known, usable)| known == name && *usable);
    let single = |name: &String| (name.clone(), Blend::straight(&[(name, 1.0)]));
    let signals = examples.names[..examples.signals].iter().map(single);
    let plain = PLAIN.iter().map(|(name, weights)| ((*name).to_owned(), Blend::straight(weights)));
    let parts = signals.chain(plain).filter(|(_, blend)| blend.slopes.keys().all(|name| is_usable(name)));
    let cases: Vec<&Example> = learned.iter().step_by((learned.len() / TRIED).max(1)).copied().collect();
    let sum = |blend: &Blend| ndcg(examples, &cases, blend, k).iter().sum::<f64>();
    // Of equal ones the first, which is simpler.
    let found = parts.map(|part| (sum(&part.1), part)).reduce(|best, next| if next.0 > best.0 { next } else { best });
    found.map(|(_, part)| part)
}

/// nDCG per case of a blend without trees.
pub(super) fn ndcg(examples: &Examples, cases: &[&Example], blend: &Blend, k: usize) -> Vec<f64> {
    let (slopes, width) = (examples.slopes(blend), examples.names.len());
    let one = |case: &&Example| {
        let scores: Vec<f64> = case.rows(width).map(|row| f64::from(dot(row, &slopes))).collect();
        gained(&order(&scores), &case.gains, k) / case.ideal(k)
    };
    cases.par_iter().with_min_len(64).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Given, learn};
    use super::*;
    use crate::config::BlendConfig;
    use crate::progress::Silent;
    use crate::random::Random;

    const CANDIDATES: usize = 20;

    /// Cases whose relevant candidate has the highest weighted sum of two signals and noise.
    fn examples(weights: [f32; 2], chance: f32) -> Examples {
        let mut examples = Examples::new(&[]);
        let column = |name: &str| examples.names.iter().position(|known| known == name).unwrap();
        let (columns, width) = (["co_purchase_count", "habit"].map(column), examples.names.len());
        let mut random = Random::new(5, &[]);
        for owner in 0..640 {
            let mut values = vec![0.0; CANDIDATES * width];
            let mut best = (f32::MIN, 0);
            for at in 0..CANDIDATES {
                let signals = [random.unit(), random.unit()];
                for (column, signal) in columns.iter().zip(signals) {
                    values[at * width + column] = signal;
                }
                let sum = weights[0] * signals[0] + weights[1] * signals[1] + chance * random.unit();
                best = if sum > best.0 { (sum, at) } else { best };
            }
            let relevant = (0..CANDIDATES).map(|at| at == best.1).collect();
            examples.cases.push(Example::new(owner as usize % 8, owner, relevant, values));
        }
        examples
    }

    fn learned(mut examples: Examples) -> (Blend, BestPart) {
        let config = BlendConfig { rounds: 30, ..BlendConfig::default() };
        let default_weights = Blend::straight(&[("popularity", 1.0)]);
        let learned = learn(&mut examples, &default_weights, &Given::default(), 6, &config, 1, &Silent);
        (learned.blend, learned.best_part.unwrap())
    }

    #[test]
    fn what_is_no_better_than_one_signal_leaves_it_the_place() {
        let (blend, best) = learned(examples([1.0, 0.0], 1.0));
        assert!(best.serves && best.name == "co_purchase_count", "{best:?}");
        assert_eq!(blend, Blend::straight(&[("co_purchase_count", 1.0)]));
        assert!(best.customers >= 160, "an eighth of them could not tell, so more were asked: {best:?}");
    }

    #[test]
    fn a_blend_that_says_more_than_its_parts_stays() {
        let (blend, best) = learned(examples([1.0, 0.8], 0.1));
        assert!(!best.serves && best.blend > best.part + 0.1, "{best:?}");
        assert!(blend.slopes["habit"] > 0.0 && blend.slopes["co_purchase_count"] > 0.0);
        assert_eq!(best.customers, 80, "there was no doubt");
    }
}
