/// A customer by their number in a model: the row of the history and of the factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Customer(pub u32);
