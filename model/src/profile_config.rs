//! The training settings that a customer's profile depends on.

use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::ials::IalsConfig;

/// The training settings with which profiles were counted. Baskets that are newer than the model are counted with the
/// same ones. An artefact has them in the training config of its manifest, under the same names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfileConfig {
    /// Half-life of a purchase's weight in decayed counts, in days.
    pub half_life_days: f32,
    /// Number of last baskets that are stored individually.
    pub last_baskets: usize,
    /// The parameters of the factors.
    pub ials: IalsConfig,
}

impl Default for ProfileConfig {
    fn default() -> Self {
        Self { half_life_days: 75.0, last_baskets: 200, ials: IalsConfig::default() }
    }
}

impl ProfileConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// If a number is not finite, or not positive where it must be.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let Self { half_life_days, ials, .. } = self;
        let positive = [*half_life_days, ials.regularisation].iter().all(|number| number.is_finite() && *number > 0.0);
        let from_zero = [ials.unobserved, ials.repeats].iter().all(|number| number.is_finite() && *number >= 0.0);
        if positive && from_zero && ials.exponent.is_finite() {
            Ok(())
        } else {
            Err(ModelError::Number(
                "a half-life or a parameter of the factors is not a finite number in its range".into(),
            ))
        }
    }
}
