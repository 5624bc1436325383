//! Nearest neighbours by cosine, under a filter.

use hnsw_rs::anndists::dist::distances::DistDot;
use hnsw_rs::hnsw::Hnsw;

use crate::kernel::dot;
use crate::top::Top;
use crate::vectors::Vectors;

/// Up to this many vectors every search is exact: a scan needs no memory of its own, does not care how much the filter lets
/// through, and is done once per item and model, for neighbours are kept; the graph takes minutes to build. Measured by
/// `cargo bench -p trolley-model --bench nearest`; the figures stand in docs/nearest.md.
pub const EXACT_UP_TO: usize = 200_000;

/// Beyond that the graph is asked for this many times what is wanted, and the filter applied to what comes back.
const OVER_FETCH: usize = 4;

/// Vectors in the graph are this little shorter than 1, which changes no order.
const SHRINK: f32 = 0.9999;

/// Links per vector and the breadth of the search while building (Malkov and Yashunin 2018, section 4).
const LINKS: usize = 16;
const BUILD_BREADTH: usize = 200;
const LAYERS: usize = 16;

/// An index over the unit rows of a table of vectors: none at all while the table is small, else an HNSW graph.
pub struct Nearest {
    graph: Option<Hnsw<'static, f32, DistDot>>,
}

impl Nearest {
    /// Builds the index. Vectors go in one after the other: only so is the graph the same each time.
    pub fn new(vectors: &Vectors) -> Self {
        Self { graph: (vectors.len() > EXACT_UP_TO).then(|| build_graph(vectors)) }
    }

    /// The index with a graph, however few the vectors are.
    pub fn with_graph(vectors: &Vectors) -> Self {
        Self { graph: Some(build_graph(vectors)) }
    }

    /// The `k` allowed rows with the highest cosine to `query`, best first, with their cosines.
    ///
    /// `query` must be a unit vector of the table's length (a vector of zeros finds nothing), and `vectors` the table
    /// that the index was built over.
    pub fn search(&self, vectors: &Vectors, query: &[f32], k: usize, allowed: impl Fn(u32) -> bool) -> Vec<(u32, f32)> {
        let length = dot(query, query);
        // hnsw_rs panics on what is not a unit vector.
        if query.len() != vectors.dims() || !((0.99..=1.01).contains(&length)) {
            return Vec::new();
        }
        if let Some(graph) = &self.graph {
            // anndists asserts that no inner product exceeds 1 by more than a rounding error.
            let shrunk: Vec<f32> = query.iter().map(|x| x * SHRINK / length.sqrt()).collect();
            let wanted = k * OVER_FETCH;
            let mut found: Vec<(u32, f32)> = graph
                .search(&shrunk, wanted, wanted.max(64))
                .into_iter()
                .map(|neighbour| neighbour.d_id as u32)
                .filter(|&row| allowed(row))
                .map(|row| (row, dot(vectors.unit(row), query)))
                .collect();
            if found.len() >= k {
                found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                found.truncate(k);
                return found;
            }
            // So few pass the filter that a graph would have to visit nearly everything: a scan is faster.
        }
        exact(vectors, query, k, allowed)
    }
}

/// Compares `query` with every allowed row.
pub fn exact(vectors: &Vectors, query: &[f32], k: usize, allowed: impl Fn(u32) -> bool) -> Vec<(u32, f32)> {
    let mut top = Top::new(k);
    for row in 0..vectors.len() as u32 {
        let cosine = dot(vectors.unit(row), query);
        if top.would_keep(cosine, row) && vectors.norm(row) > 0.0 && allowed(row) {
            top.push(cosine, row);
        }
    }
    top.into_sorted()
}

fn build_graph(vectors: &Vectors) -> Hnsw<'static, f32, DistDot> {
    let graph = Hnsw::new(LINKS, vectors.len(), LAYERS, BUILD_BREADTH, DistDot {});
    for row in (0..vectors.len() as u32).filter(|&row| vectors.norm(row) > 0.0) {
        let shrunk: Vec<f32> = vectors.unit(row).iter().map(|x| x * SHRINK).collect();
        graph.insert((&shrunk, row as usize));
    }
    graph
}

impl std::fmt::Debug for Nearest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.graph.is_some() { "Nearest(graph)" } else { "Nearest(exact)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2,000 rows around 50 centres, without a generator: the fractional parts of multiples of irrational numbers.
    fn clustered() -> Vectors {
        let noise = |n: usize| ((n as f32 * 0.618_034).fract() - 0.5) * 2.0;
        let rows = (0..2000usize).flat_map(|row| {
            (0..16usize).map(move |d| noise(row % 50 * 131 + d * 17) + 0.3 * noise(row * 37 + d * 101))
        });
        Vectors::from_rows(16, rows.collect())
    }

    #[test]
    fn the_graph_finds_what_the_scan_finds() {
        let vectors = clustered();
        let graph = Nearest::with_graph(&vectors);
        let mut shared = 0;
        for row in (0..2000).step_by(40) {
            let query = vectors.unit(row).to_vec();
            let truth = exact(&vectors, &query, 10, |other| other != row);
            let found = graph.search(&vectors, &query, 10, |other| other != row);
            assert_eq!(found.len(), 10);
            shared += truth.iter().filter(|t| found.iter().any(|f| f.0 == t.0)).count();
        }
        assert!(shared >= 480, "{shared} of 500");
    }

    #[test]
    fn a_filter_that_lets_little_through_still_fills_the_answer() {
        let vectors = clustered();
        let graph = Nearest::with_graph(&vectors);
        let query = vectors.unit(7).to_vec();
        let found = graph.search(&vectors, &query, 6, |row| row % 300 == 1);
        assert_eq!(found, exact(&vectors, &query, 6, |row| row % 300 == 1));
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn queries_that_are_no_unit_vectors_find_nothing() {
        let vectors = clustered();
        let graph = Nearest::with_graph(&vectors);
        for query in [vec![0.0; 16], vec![f32::NAN; 16], vec![1.0; 3], vec![]] {
            assert!(graph.search(&vectors, &query, 3, |_| true).is_empty());
        }
    }
}
