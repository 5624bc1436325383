/// An item by its number in a model: its position in the catalogue, bestsellers first, and the row of its vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Item(pub u32);

impl Item {
    /// The number as an index into columns with one value per item.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
