//! The difference between two ways of answering the same cases.

use std::collections::BTreeMap;

/// A mean difference, customers and not cases being what is drawn: the answers to one customer resemble each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Difference {
    /// Of both ways, over all cases.
    pub(super) means: [f64; 2],
    /// Of the differences.
    pub(super) mean: f64,
    /// By the sums of each customer (Liang and Zeger 1986).
    pub(super) standard_error: f64,
    /// How many there are.
    pub(super) customers: usize,
}

impl Difference {
    /// Of the first from the second, case by case; `owners` says whose cases they are. There must be a case.
    pub(super) fn new(one: &[f64], other: &[f64], owners: &[u32]) -> Self {
        let cases = one.len() as f64;
        let differences = || one.iter().zip(other).map(|(one, other)| one - other);
        let mean = differences().sum::<f64>() / cases;
        let mut of_customer: BTreeMap<u32, f64> = BTreeMap::new();
        for (owner, difference) in owners.iter().zip(differences()) {
            *of_customer.entry(*owner).or_default() += difference - mean;
        }
        let variance = of_customer.values().map(|sum| sum * sum).sum::<f64>() / (cases * cases);
        let means = [one, other].map(|all| all.iter().sum::<f64>() / cases);
        Self { means, mean, standard_error: variance.sqrt(), customers: of_customer.len() }
    }

    /// False if the first is worse by more than the standard error. There are few held-out customers: to stop where they
    /// gain most would be to follow their luck.
    pub(super) fn is_not_surely_worse(&self) -> bool {
        self.mean >= -self.standard_error
    }

    /// Whether it is within two standard errors: more customers could say something else.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.mean.abs() <= 2.0 * self.standard_error
    }

    /// Whether the first is worse by more than two standard errors.
    pub(super) fn is_surely_worse(&self) -> bool {
        self.mean < -2.0 * self.standard_error
    }

    /// Whether the first is ahead by more than the standard error.
    pub(super) fn is_ahead(&self) -> bool {
        self.mean > self.standard_error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_of_one_customer_are_one_opinion() {
        let (one, other): (Vec<f64>, Vec<f64>) = (0..100).map(|case| (if case < 40 { 0.0 } else { 1.0 }, 0.5)).unzip();
        let each = Difference::new(&one, &other, &(0..100).collect::<Vec<_>>());
        // Differences of -½ and ½: a standard deviation of .49 over 100 cases.
        assert!((each.mean - 0.1).abs() < 1e-12 && (each.standard_error - 0.049).abs() < 1e-3, "{each:?}");
        let tens = Difference::new(&one, &other, &(0..100).map(|case| case / 10).collect::<Vec<_>>());
        assert!((tens.standard_error / each.standard_error - 10f64.sqrt()).abs() < 1e-9, "{tens:?}");
        assert_eq!((each.customers, tens.customers), (100, 10));
        let worse = Difference::new(&other, &one, &(0..100).collect::<Vec<_>>());
        let perhaps = Difference::new(&other, &one, &(0..100).map(|case| case / 10).collect::<Vec<_>>());
        assert!(!worse.is_not_surely_worse() && perhaps.is_not_surely_worse(), "{worse:?} {perhaps:?}");
    }
}
