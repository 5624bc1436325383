//! Paired difference between two methods on the same cases.

use std::collections::BTreeMap;

/// A mean difference, with a standard error over customers instead of cases: results for one customer are correlated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Difference {
    /// Means of both methods over all cases.
    pub(super) means: [f64; 2],
    /// Mean of the differences.
    pub(super) mean: f64,
    /// Standard error of the mean, clustered by customer (Liang and Zeger 1986).
    pub(super) standard_error: f64,
    /// Number of customers.
    pub(super) customers: usize,
}

impl Difference {
    /// `one` minus `other`, case by case; `owners` has the customer of each case. There must be a case.
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

    /// False if the first is worse by more than a standard error. The held-out customers are few: a choice of the best
    /// value would overfit them.
    pub(super) fn is_not_surely_worse(&self) -> bool {
        self.mean >= -self.standard_error
    }

    /// Whether the difference is within two standard errors, so that more customers could decide it.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.mean.abs() <= 2.0 * self.standard_error
    }

    /// Whether the first is worse by more than two standard errors.
    pub(super) fn is_surely_worse(&self) -> bool {
        self.mean < -2.0 * self.standard_error
    }

    /// Whether the first is ahead by more than a standard error.
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
