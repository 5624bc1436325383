//! Precomputes the nearest neighbours of all items, if the catalogue is too large to search at request time.

use rayon::prelude::*;
use trolley_model::nearest::{NEIGHBOURS, Neighbours, SEARCHED_UP_TO, nearest_of};
use trolley_model::{Item, Vectors};

use crate::progress::Progress;

/// Number of items searched together.
const AT_ONCE: u32 = 64;

/// The neighbours of all items; empty for a small catalogue, which is searched at request time.
pub(crate) fn neighbours(vectors: &Vectors, progress: &dyn Progress) -> Neighbours {
    if vectors.len() <= SEARCHED_UP_TO { Neighbours::default() } else { all_neighbours(vectors, progress) }
}

fn all_neighbours(vectors: &Vectors, progress: &dyn Progress) -> Neighbours {
    let items = vectors.len() as u32;
    progress.begin("nearest neighbours", u64::from(items));
    let of_some = |from: u32| {
        let rows = from..from.saturating_add(AT_ONCE).min(items);
        progress.advance(rows.len() as u64);
        nearest_of(vectors, rows, NEIGHBOURS)
    };
    let starts: Vec<u32> = (0..items).step_by(AT_ONCE as usize).collect();
    let lists: Vec<Vec<Item>> = starts.into_par_iter().flat_map_iter(of_some).collect();
    progress.end();
    Neighbours::new(&lists)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn each_item_has_its_own() {
        let rows = (0..300).flat_map(|row| [1.0, row as f32 / 100.0]).collect();
        let vectors = Vectors::from_rows(2, rows);
        assert!(neighbours(&vectors, &Silent).is_empty(), "a small catalogue is searched when it is asked about");
        let all = all_neighbours(&vectors, &Silent);
        for item in [0, 63, 64, 299] {
            assert_eq!(all.of(Item(item)).len(), NEIGHBOURS);
            assert_eq!(all.of(Item(item)), nearest_of(&vectors, item..item + 1, NEIGHBOURS)[0]);
        }
        assert_eq!((all.of(Item(0))[0], all.of(Item(299))[0]), (Item(1), Item(298)));
    }
}
