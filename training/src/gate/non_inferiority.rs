//! Whether a model is worse than a predecessor.
//!
//! "Not significantly worse" alone is no test: without evidence everything passes. New settings must be *shown* to be
//! not worse (non-inferiority): the whole 95 % confidence interval of the paired difference must lie above minus the
//! tolerance. If there are too few cases to show that even for unchanged settings, only what is significantly worse is
//! refused, and the evidence is called weak.

use serde::{Deserialize, Serialize};
use trolley_model::figures::Estimate;

/// Tolerance of a metric, as a share of the other model's. Chosen by simulation (`simulation.rs`, docs/evaluation.md).
pub const TOLERANCE: f64 = 0.035;

/// Tolerance of the hit rate of bought together: more hits may be traded for a higher `due_to_item`.
pub(super) const TOLERANCE_OF_HITS: f64 = 0.05;

/// Absolute tolerance of `due_to_item`. It is less precise than the hit rate, so only a significant decrease is
/// refused.
pub(super) const TOLERANCE_OF_DUE: f64 = 0.005;

/// Maximum lower half-width of an interval, as a share of the tolerance, for decisive evidence: unchanged settings are
/// then shown to be non-inferior in 99 of 100 cases. It is 1.96 standard errors of the interval out of 1.96 + 2.33.
const DECISIVE: f64 = 1.96 / (1.96 + 2.33);

/// The result of comparing one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NonInferiority {
    /// It is shown to be non-inferior.
    NotWorse,
    /// There are too few cases to show non-inferiority, and it is not significantly worse.
    Weak,
    /// There are enough cases, and they do not show non-inferiority.
    NotShown,
    /// It is significantly worse.
    Worse,
}

/// The finding about a lead over the settings in service.
pub(crate) fn shown(lead: &Estimate, tolerance: f64) -> NonInferiority {
    if significantly_worse(lead, tolerance) {
        NonInferiority::Worse
    } else if lead.low > -tolerance {
        NonInferiority::NotWorse
    } else if lead.value - lead.low <= tolerance * DECISIVE {
        NonInferiority::NotShown
    } else {
        NonInferiority::Weak
    }
}

/// Whether it is significantly below 0, and by more than the tolerance.
pub(crate) fn significantly_worse(lead: &Estimate, tolerance: f64) -> bool {
    lead.value < -tolerance && lead.high < 0.0
}

/// Whether `times` as many cases could be decisive.
pub(crate) fn could_be_decisive(lead: &Estimate, tolerance: f64, times: f64) -> bool {
    (lead.value - lead.low) / times.sqrt() <= tolerance * DECISIVE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_to_be_as_good_does_not_pass_where_it_could_be_shown() {
        let of = |low: f64, value: f64, high: f64| shown(&Estimate { value, low, high }, 0.04);
        assert_eq!(of(-0.015, 0.0, 0.015), NonInferiority::NotWorse);
        assert_eq!(
            of(-0.039, -0.02, -0.001),
            NonInferiority::NotWorse,
            "a little worse, but by less than the tolerance"
        );
        assert_eq!(of(-0.045, -0.03, -0.015), NonInferiority::NotShown, "perhaps within the tolerance, perhaps not");
        assert_eq!(of(-0.09, -0.05, -0.01), NonInferiority::Worse);
        assert_eq!(of(-0.2, 0.0, 0.2), NonInferiority::Weak, "it may be anything");
        assert_eq!(of(-0.2, -0.1, 0.01), NonInferiority::Weak);
    }

    #[test]
    fn twice_the_days_help_only_where_little_is_missing() {
        let lead = |half: f64| Estimate { value: 0.0, low: -half, high: half };
        assert!(could_be_decisive(&lead(0.025), 0.04, 2.0));
        assert!(!could_be_decisive(&lead(0.03), 0.04, 2.0));
    }
}
