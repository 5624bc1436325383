//! Opaque string IDs and their dense numbers.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::texts::{Texts, TooLarge};

/// A list of distinct IDs, each with its position; looked up both ways.
///
/// Per ID that costs its bytes, four for its end and five to nine for the look-up.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    texts: Texts,
    positions: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Ids {
    /// Takes a list of texts as IDs; `Err` with its position if one stands there twice.
    ///
    /// # Errors
    /// The position of the first duplicate.
    pub fn new(texts: Texts) -> Result<Self, u32> {
        let mut ids = Self { texts, ..Self::default() };
        ids.positions.reserve(ids.texts.len(), |_| 0);
        for position in 0..ids.texts.len() as u32 {
            let hash = ids.hasher.hash_one(ids.texts.get(position));
            let Self { texts, positions, hasher } = &mut ids;
            if positions.find(hash, |&at| texts.get(at) == texts.get(position)).is_some() {
                return Err(position);
            }
            positions.insert_unique(hash, position, |&at| hasher.hash_one(texts.get(at)));
        }
        Ok(ids)
    }

    /// The position of an ID, added at the end if it is new.
    ///
    /// # Errors
    /// [`TooLarge`] if there is no room left.
    pub fn intern(&mut self, id: &str) -> Result<u32, TooLarge> {
        let hash = self.hasher.hash_one(id);
        let Self { texts, positions, hasher } = self;
        if let Some(&position) = positions.find(hash, |&at| texts.get(at) == id) {
            return Ok(position);
        }
        let position = texts.len() as u32;
        texts.push(id)?;
        positions.insert_unique(hash, position, |&at| hasher.hash_one(texts.get(at)));
        Ok(position)
    }

    /// The position of an ID.
    pub fn position(&self, id: &str) -> Option<u32> {
        self.positions.find(self.hasher.hash_one(id), |&at| self.texts.get(at) == id).copied()
    }

    /// The ID at a position.
    pub fn get(&self, position: u32) -> &str {
        self.texts.get(position)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All IDs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.texts.iter()
    }

    /// The IDs as a plain list.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }
}

impl PartialEq for Ids {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_is_found_where_it_was_put(ids in prop::collection::hash_set("\\PC{0,12}", 0..60)) {
            let mut interned = Ids::default();
            for (at, id) in ids.iter().enumerate() {
                prop_assert_eq!(interned.intern(id), Ok(at as u32));
            }
            let read = Ids::new(interned.texts().clone()).unwrap();
            for (at, id) in ids.iter().enumerate() {
                prop_assert_eq!(interned.intern(id), Ok(at as u32));
                prop_assert_eq!(read.position(id), Some(at as u32));
                prop_assert_eq!(read.get(at as u32), id);
            }
            prop_assert_eq!(read.position("longer than all"), None);
        }
    }

    #[test]
    fn duplicates_are_refused() {
        let mut texts = Texts::default();
        for id in ["a", "b", "a"] {
            texts.push(id).unwrap();
        }
        assert_eq!(Ids::new(texts).unwrap_err(), 2);
    }
}
