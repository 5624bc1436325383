//! The values of signals that depend on the item alone, computed once for all items.

use crate::item::Item;

/// The values in row-major order (items × `width`): an item's values are contiguous.
#[derive(Debug)]
pub(crate) struct ItemSignals {
    /// The column of each signal, by its number; `None` if it depends on more than the item.
    pub(crate) places: Vec<Option<usize>>,
    /// Number of values per item.
    pub(crate) width: usize,
    /// The values, item by item.
    pub(crate) values: Vec<f32>,
}

impl ItemSignals {
    /// Writes a signal's value of each candidate; false if it depends on more than the item.
    pub(crate) fn fill(&self, signal: usize, candidates: &[Item], out: &mut [f32]) -> bool {
        let Some(place) = self.places[signal] else { return false };
        out.iter_mut().zip(candidates).for_each(|(out, &item)| *out = self.values[item.index() * self.width + place]);
        true
    }
}
