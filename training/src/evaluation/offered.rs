//! The offered items of a week of the evaluation.

use trolley_model::recommend::{Offer, PreparedOffers};
use trolley_model::{Item, Model};

/// The offered items, with the numeric columns of their offers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offered {
    /// Ascending.
    pub(crate) items: Vec<Item>,
    /// Per item, a value per numeric column, in the order of the configuration: the maximum over the item's offers.
    pub(crate) numbers: Vec<Vec<f32>>,
}

impl Offered {
    /// Prepares the offers at the positions `which`, in this order, for ranking by `model`. `names` are the names of
    /// the numeric columns.
    pub(crate) fn ready(&self, model: &Model, names: &[String], which: impl Iterator<Item = usize>) -> PreparedOffers {
        let which: Vec<usize> = which.collect();
        let named = |&at: &usize| names.iter().map(String::as_str).zip(self.numbers[at].iter().copied()).collect();
        let numbers: Vec<Vec<(&str, f32)>> = which.iter().map(named).collect();
        let offers = which.iter().zip(&numbers);
        let offers = offers.map(|(&at, numbers)| Offer { items: &self.items[at..=at], numbers });
        PreparedOffers::new(model, &offers.collect::<Vec<_>>())
    }
}
