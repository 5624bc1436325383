//! Opaque string IDs and their positions.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::texts::{Texts, TooLarge};

/// A list of distinct IDs with look-up by ID and by position.
///
/// Memory per ID: its bytes, four for its end, and five to nine for the hash table.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    texts: Texts,
    positions: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Ids {
    /// Indexes a list of texts as IDs.
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

    /// The position of an ID; appends it if it is new.
    ///
    /// # Errors
    /// [`TooLarge`] if the list is full.
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

    /// Number of IDs.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All IDs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.texts.iter()
    }

    /// The IDs as a list of texts.
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
