//! Signals that depend on the item alone, worked out once for all items.

use crate::signals;
use crate::{FeatureContext, Model, Query};

/// The values of all such signals, item by item: a candidate's lie in one place.
#[derive(Debug, Default)]
pub(crate) struct OfItems {
    /// The place of each of [`signals::ALL`] among an item's values, if it is one of these.
    places: Vec<Option<usize>>,
    width: usize,
    values: Vec<f32>,
}

impl OfItems {
    /// Works them out.
    pub(crate) fn new(model: &Model) -> Self {
        let items: Vec<u32> = (0..model.catalogue().items().len() as u32).collect();
        let context = FeatureContext::new(model, Query { items: &[], ..Query::default() }, &items);
        let mut free = (0..).peekable();
        let places: Vec<Option<usize>> =
            signals::ALL.iter().map(|signal| free.next_if(|_| signal.is_of_items())).collect();
        let width = places.iter().flatten().count();
        let (mut values, mut column) = (vec![0.0; width * items.len()], vec![0.0; items.len()]);
        for (signal, place) in signals::ALL.iter().zip(&places) {
            let Some(place) = *place else { continue };
            signal.fill(&context, &mut column);
            values.chunks_exact_mut(width).zip(&column).for_each(|(row, &value)| row[place] = value);
        }
        Self { places, width, values }
    }

    /// Writes the values of a signal for each candidate, if it is one of these.
    pub(crate) fn fill(&self, signal: usize, candidates: &[u32], out: &mut [f32]) -> bool {
        let Some(place) = self.places[signal] else { return false };
        out.iter_mut().zip(candidates).for_each(|(out, &item)| *out = self.values[item as usize * self.width + place]);
        true
    }
}
