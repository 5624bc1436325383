//! Nearest neighbours by cosine, under a filter.

use crate::error::ModelError;
use crate::item::Item;
use crate::kernel::dot;
use crate::offsets::Offsets;
use crate::top::Top;
use crate::vectors::Vectors;

/// Maximum number of learned items for which neighbours are searched on first use. For larger catalogues, training
/// computes the neighbours of all items and the artefact stores them. Measurements: docs/nearest.md.
pub const SEARCHED_UP_TO: usize = 200_000;

/// Number of neighbours stored per item.
pub const NEIGHBOURS: usize = 160;

/// The `k` allowed items with the highest cosine to `query`, best first, with their cosines: an exact scan.
///
/// `query` must be a unit vector with the table's number of dimensions; otherwise nothing is found.
pub fn nearest(vectors: &Vectors, query: &[f32], k: usize, allowed: impl Fn(Item) -> bool) -> Vec<(Item, f32)> {
    if query.len() != vectors.dims() || !((0.99..=1.01).contains(&dot(query, query))) {
        return Vec::new();
    }
    let mut top = Top::new(k);
    offer(vectors, 0..vectors.len() as u32, query, &mut top, allowed);
    top.into_sorted().into_iter().map(|(row, cosine)| (Item(row), cosine)).collect()
}

/// Compares `query` with a range of rows.
fn offer(vectors: &Vectors, rows: std::ops::Range<u32>, query: &[f32], top: &mut Top, allowed: impl Fn(Item) -> bool) {
    for row in rows {
        let cosine = dot(vectors.unit(row), query);
        if top.would_keep(cosine, row) && vectors.norm(row) > 0.0 && allowed(Item(row)) {
            top.push(cosine, row);
        }
    }
}

/// The result of [`nearest`] for each of some rows, without the item itself. Faster than separate scans: a block of the
/// table is compared with all rows while it is in the cache.
pub fn nearest_of(vectors: &Vectors, rows: std::ops::Range<u32>, k: usize) -> Vec<Vec<Item>> {
    /// 128 kB of 64 dimensions.
    const AT_ONCE: usize = 512;
    let all = vectors.len() as u32;
    let mut tops: Vec<Top> = rows.clone().map(|_| Top::new(k)).collect();
    for from in (0..all).step_by(AT_ONCE) {
        let part = from..(from + AT_ONCE as u32).min(all);
        for (query, top) in rows.clone().zip(&mut tops).filter(|(query, _)| vectors.norm(*query) > 0.0) {
            offer(vectors, part.clone(), vectors.unit(query), top, |other| other != Item(query));
        }
    }
    tops.into_iter().map(|top| top.into_sorted().into_iter().map(|(row, _)| Item(row)).collect()).collect()
}

/// The stored nearest neighbours of each learned item, best first; empty if they are searched on demand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    rows: Offsets,
    items: Vec<Item>,
}

impl Neighbours {
    /// From the list of each item.
    pub fn new(lists: &[Vec<Item>]) -> Self {
        Self { rows: Offsets::from_lengths(lists.iter().map(Vec::len)), items: lists.concat() }
    }

    /// Restores stored neighbours and checks them against the number of learned items.
    ///
    /// # Errors
    /// An error that describes the mismatch.
    pub fn from_parts(offsets: Vec<u64>, items: Vec<Item>, learned: usize) -> Result<Self, ModelError> {
        let rows = Offsets::from_vec(offsets, items.len())
            .ok_or_else(|| ModelError::Order("the bounds of the neighbours are not valid".into()))?;
        if rows.len() != learned || items.iter().any(|&item| item.index() >= learned) {
            return Err(ModelError::Length(format!("the neighbours do not fit {learned} learned items")));
        }
        Ok(Self { rows, items })
    }

    /// The stored neighbours of an item; empty if there are none.
    pub fn of(&self, item: Item) -> &[Item] {
        if item.index() < self.rows.len() { &self.items[self.rows.range(item.0)] } else { &[] }
    }

    /// True if none are stored.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Offsets and items, as stored.
    pub fn columns(&self) -> (&[u64], &[Item]) {
        (self.rows.as_slice(), &self.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2,000 rows around 50 centres, without a random generator: the fractional parts of multiples of irrational
    /// numbers.
    fn clustered() -> Vectors {
        let noise = |n: usize| ((n as f32 * 0.618_034).fract() - 0.5) * 2.0;
        let rows = (0..2000usize).flat_map(|row| {
            (0..16usize).map(move |d| noise(row % 50 * 131 + d * 17) + 0.3 * noise(row * 37 + d * 101))
        });
        let mut rows: Vec<f32> = rows.collect();
        rows[16 * 7..16 * 8].fill(0.0);
        Vectors::from_rows(16, rows)
    }

    #[test]
    fn a_filter_that_lets_little_through_still_fills_the_answer() {
        let vectors = clustered();
        let found = nearest(&vectors, vectors.unit(9), 6, |item| item.0 % 300 == 1);
        assert_eq!(found.len(), 6);
        assert!(found.iter().all(|(item, _)| item.0 % 300 == 1) && found.windows(2).all(|two| two[0].1 >= two[1].1));
    }

    #[test]
    fn many_at_once_find_what_each_finds_alone() {
        let vectors = clustered();
        let alone = |row: u32| -> Vec<Item> {
            nearest(&vectors, vectors.unit(row), 10, |other| other != Item(row))
                .into_iter()
                .map(|found| found.0)
                .collect()
        };
        assert_eq!(nearest_of(&vectors, 3..80, 10), (3..80).map(alone).collect::<Vec<_>>());
        assert!(nearest_of(&vectors, 7..8, 10)[0].is_empty(), "what has no direction is near to nothing");
    }

    #[test]
    fn what_is_stored_is_checked() {
        let neighbours = Neighbours::new(&[vec![Item(1), Item(2)], vec![], vec![Item(0)]]);
        assert_eq!([0, 1, 2, 3].map(|item| neighbours.of(Item(item))), [&[Item(1), Item(2)][..], &[], &[Item(0)], &[]]);
        let (offsets, items) = neighbours.columns();
        let of = |items: &[Item], learned| Neighbours::from_parts(offsets.to_vec(), items.to_vec(), learned);
        assert_eq!(of(items, 3), Ok(neighbours.clone()));
        assert!(of(&[1, 2, 3].map(Item), 3).is_err() && of(items, 4).is_err() && of(&[Item(1)], 3).is_err());
        assert!(Neighbours::default().is_empty());
    }

    #[test]
    fn queries_that_are_no_unit_vectors_find_nothing() {
        let vectors = clustered();
        for query in [vec![0.0; 16], vec![f32::NAN; 16], vec![1.0; 3], vec![]] {
            assert!(nearest(&vectors, &query, 3, |_| true).is_empty());
        }
    }
}
