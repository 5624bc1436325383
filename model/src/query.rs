//! The input of a question.

use crate::item::Item;
use crate::profile::Profile;
use crate::vectors::Vectors;

/// The items of the page or cart and the customer, in the numbers of the model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Item numbers: one for a product page, several for a cart (newest last), none for offers.
    pub items: &'a [Item],
    /// The customer as of the day of the request.
    pub customer: Option<Profile<'a>>,
    /// The store, if the request names one.
    pub store: Option<u32>,
    /// Feedback on replacements of the first item, by ascending item: the log of how much more often each was accepted
    /// than usual.
    pub replacements: &'a [(Item, f32)],
}

impl Query<'_> {
    /// The weight of each item in the mean over a cart: 1/√n for the n-th newest, normalised to sum 1.
    pub(crate) fn weights(&self) -> Vec<f32> {
        let mut weights: Vec<f32> = (1..=self.items.len()).rev().map(|newest| 1.0 / (newest as f32).sqrt()).collect();
        let all: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= all);
        weights
    }

    /// The weighted mean of the items' rows at their original lengths; zeros if none of them has a row.
    pub(crate) fn mean_vector(&self, vectors: &Vectors) -> Vec<f32> {
        let mut mean = vec![0.0; vectors.dims()];
        let weights = self.weights();
        let known = || self.items.iter().zip(&weights).filter(|(item, _)| item.index() < vectors.len());
        let all: f32 = known().map(|(_, weight)| weight).sum();
        for (&item, weight) in known() {
            vectors.add_row(item.0, weight / all, &mut mean);
        }
        mean
    }
}
