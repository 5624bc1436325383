//! Settings of the baselines.

use std::collections::BTreeMap;

use super::neighbours::{TifuKnn, UpCf};

/// The settings to try. The first of each is the default and wins ties.
pub(super) const LIFT_PRIORS: [f32; 5] = [10.0, 1.0, 3.0, 30.0, 100.0];
pub(super) const HALF_LIVES: [f32; 6] = [75.0, 10.0, 20.0, 40.0, 150.0, 300.0];
pub(super) const TIFU_VECTORS: [(usize, f32, f32); 5] =
    [(7, 0.9, 0.7), (7, 0.9, 0.9), (7, 0.6, 0.7), (3, 0.9, 0.7), (20, 0.9, 0.9)];
pub(super) const TIFU_NEIGHBOURS: [usize; 2] = [300, 100];
pub(super) const TIFU_OWN_SHARES: [f32; 4] = [0.7, 0.9, 0.5, 0.3];
pub(super) const UP_ASYMMETRIES: [f32; 3] = [0.25, 0.5, 0.75];
pub(super) const UP_WINDOWS: [usize; 4] = [25, 5, 10, 100];
pub(super) const UP_LOCALITIES: [i32; 3] = [5, 1, 10];

/// Settings by baseline and name.
pub(super) type Named = BTreeMap<String, BTreeMap<String, f64>>;

/// The chosen settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tuned {
    pub(super) together: Together,
    pub(super) offers: Habits,
}

/// Settings for bought together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Together {
    /// Number of baskets added to the expected co-purchases of each pair, which shrinks lifts.
    pub(super) lift_prior: f32,
    /// Half-life of `most frequent, decayed`, in days.
    pub(super) half_life: f32,
}

/// Settings of the baselines that depend on the customer only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Habits {
    /// Half-life of `most frequent, decayed`, in days.
    pub(super) half_life: f32,
    pub(super) tifu_knn: TifuKnn,
    pub(super) up_cf: UpCf,
}

impl Default for Together {
    fn default() -> Self {
        Self { lift_prior: LIFT_PRIORS[0], half_life: HALF_LIVES[0] }
    }
}

impl Default for Habits {
    fn default() -> Self {
        Self { half_life: HALF_LIVES[0], tifu_knn: TifuKnn::default(), up_cf: UpCf::default() }
    }
}
