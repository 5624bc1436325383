//! What is asked.

use crate::profile::Profile;
use crate::vectors::Vectors;

/// The items looked at and the customer who looks at them, as far as the model knows them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Item numbers: one on a product page, several for a cart, the newest line last, none for a customer's offers.
    pub items: &'a [u32],
    /// The customer, as of the day of the question.
    pub customer: Option<Profile<'a>>,
    /// The store that is asked for.
    pub store: Option<u32>,
    /// How items were taken in the place of the first one, by rising item: the log of how much oftener they were accepted
    /// than is usual.
    pub replacements: &'a [(u32, f32)],
}

impl Query<'_> {
    /// What each item weighs in a cart's mean: the n-th newest 1/√n, and all of them 1.
    pub(crate) fn weights(&self) -> Vec<f32> {
        let mut weights: Vec<f32> = (1..=self.items.len()).rev().map(|newest| 1.0 / (newest as f32).sqrt()).collect();
        let all: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= all);
        weights
    }

    /// The mean of the items' rows at their original lengths; zeros if none of them has a row.
    pub(crate) fn mean_vector(&self, vectors: &Vectors) -> Vec<f32> {
        let mut mean = vec![0.0; vectors.dims()];
        let weights = self.weights();
        let known = || self.items.iter().zip(&weights).filter(|(item, _)| (**item as usize) < vectors.len());
        let all: f32 = known().map(|(_, weight)| weight).sum();
        for (&item, weight) in known() {
            vectors.add_row(item, weight / all, &mut mean);
        }
        mean
    }
}
