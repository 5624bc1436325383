//! What is asked.

use crate::vectors::Vectors;

/// The items looked at and the customer who looks at them, as far as the model knows them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// Item numbers: one on a product page, several for a cart, none for a customer's offers.
    pub items: &'a [u32],
    /// The customer's number.
    pub customer: Option<u32>,
}

impl Ask<'_> {
    /// The mean of the items' rows at their original lengths; zeros if none of them has a row.
    pub(crate) fn mean_vector(&self, vectors: &Vectors) -> Vec<f32> {
        let mut mean = vec![0.0; vectors.dims()];
        let known = || self.items.iter().filter(|&&item| (item as usize) < vectors.len());
        let weight = 1.0 / known().count().max(1) as f32;
        for &item in known() {
            vectors.add_row(item, weight, &mut mean);
        }
        mean
    }
}
