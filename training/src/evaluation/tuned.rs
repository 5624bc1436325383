//! The baselines' settings.

use std::collections::BTreeMap;

use super::neighbours::{TifuKnn, UpCf};

/// What is tried. The first of each is what is left if nothing is better.
pub(super) const LIFT_PRIORS: [f32; 5] = [10.0, 1.0, 3.0, 30.0, 100.0];
pub(super) const HALF_LIVES: [f32; 6] = [75.0, 10.0, 20.0, 40.0, 150.0, 300.0];
pub(super) const TIFU_VECTORS: [(usize, f32, f32); 5] =
    [(7, 0.9, 0.7), (7, 0.9, 0.9), (7, 0.6, 0.7), (3, 0.9, 0.7), (20, 0.9, 0.9)];
pub(super) const TIFU_NEIGHBOURS: [usize; 2] = [300, 100];
pub(super) const TIFU_OWN_SHARES: [f32; 4] = [0.7, 0.9, 0.5, 0.3];
pub(super) const UP_ASYMMETRIES: [f32; 3] = [0.25, 0.5, 0.75];
pub(super) const UP_WINDOWS: [usize; 4] = [25, 5, 10, 100];
pub(super) const UP_LOCALITIES: [i32; 3] = [5, 1, 10];

/// Settings by name.
pub(super) type Named = BTreeMap<String, BTreeMap<String, f64>>;

/// The settings that were chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tuned {
    pub(super) together: Together,
    pub(super) offers: Habits,
}

/// Settings of what is bought together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Together {
    /// Lifts are shrunk as if two items had met in so many baskets more, by chance.
    pub(super) lift_prior: f32,
    /// In days, of the customer's most frequent items.
    pub(super) half_life: f32,
}

/// Settings of what goes by the customer alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Habits {
    /// In days, of the customer's most frequent items.
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
