//! What is on offer in a week of the evaluation.

use trolley_model::Model;
use trolley_model::recommend::{Offer, PreparedOffers};

/// The items that are on offer, with their offers' numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offered {
    /// Rising.
    pub(crate) items: Vec<u32>,
    /// Per item, in the order of the config; the highest of several offers.
    pub(crate) numbers: Vec<Vec<f32>>,
}

impl Offered {
    /// Those at some positions, in this order, as `model` ranks them. `names` are those of the numbers.
    pub(crate) fn ready(&self, model: &Model, names: &[String], which: impl Iterator<Item = usize>) -> PreparedOffers {
        let which: Vec<usize> = which.collect();
        let named = |&at: &usize| names.iter().map(String::as_str).zip(self.numbers[at].iter().copied()).collect();
        let numbers: Vec<Vec<(&str, f32)>> = which.iter().map(named).collect();
        let offers = which.iter().zip(&numbers);
        let offers = offers.map(|(&at, numbers)| Offer { items: &self.items[at..=at], numbers });
        PreparedOffers::new(model, &offers.collect::<Vec<_>>())
    }
}
