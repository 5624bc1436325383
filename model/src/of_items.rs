//! Signals that depend on the item alone, worked out once for all items.

use crate::signals;
use crate::{Ask, Model, Scene};

/// The values of each such signal by item, in the order of [`signals::ALL`]; nothing for the others.
#[derive(Debug, Default)]
pub(crate) struct OfItems(Vec<Vec<f32>>);

impl OfItems {
    /// Works them out.
    pub(crate) fn new(model: &Model) -> Self {
        let items: Vec<u32> = (0..model.catalogue().items().len() as u32).collect();
        let scene = Scene::new(model, Ask { items: &[], customer: None }, &items);
        let values = |signal: &&dyn signals::Signal| {
            let mut values = vec![0.0; if signal.is_of_items() { items.len() } else { 0 }];
            if !values.is_empty() {
                signal.fill(&scene, &mut values);
            }
            values
        };
        Self(signals::ALL.iter().map(values).collect())
    }

    /// Writes the values of a signal for each candidate, if it is one of these.
    pub(crate) fn fill(&self, signal: usize, candidates: &[u32], out: &mut [f32]) -> bool {
        let values = &self.0[signal];
        if !values.is_empty() {
            out.iter_mut().zip(candidates).for_each(|(out, &item)| *out = values[item as usize]);
        }
        !values.is_empty()
    }
}
