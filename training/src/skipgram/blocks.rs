use trolley_model::Vectors;

use crate::random::Random;

/// Into how many blocks each table is cut: a constant, so that the result does not depend on the threads. It bounds
/// how many can work at once.
pub(super) const BLOCKS: usize = 16;

/// A table of vectors, cut into blocks. Item i is row i / BLOCKS of block i % BLOCKS, so each block has its share of
/// bestsellers and of slow sellers.
pub(super) struct Table {
    pub(super) blocks: Vec<Block>,
}

/// One block of a table.
pub(super) struct Block {
    dims: usize,
    values: Vec<f32>,
}

/// The block of an item and its row in it.
pub(super) fn place(item: u32) -> (usize, u32) {
    (item as usize % BLOCKS, item / BLOCKS as u32)
}

impl Table {
    pub(super) fn zeros(items: usize, dims: usize) -> Self {
        let rows = |block: usize| (items + BLOCKS - 1 - block) / BLOCKS;
        let block = |block| Block { dims, values: vec![0.0; rows(block) * dims] };
        Self { blocks: (0..BLOCKS).map(block).collect() }
    }

    /// Uniform in ±1/(2 dims), as word2vec begins.
    pub(super) fn random(items: usize, dims: usize, seed: u64) -> Self {
        let mut table = Self::zeros(items, dims);
        for (number, block) in table.blocks.iter_mut().enumerate() {
            let mut random = Random::new(seed, &[0, number as u64]);
            block.values.iter_mut().for_each(|value| *value = (random.unit() - 0.5) / dims as f32);
        }
        table
    }

    pub(super) fn into_vectors(mut self, items: usize) -> Vectors {
        let dims = self.blocks.first().map_or(1, |block| block.dims);
        let mut values = Vec::with_capacity(items * dims);
        for item in 0..items as u32 {
            let (block, row) = place(item);
            values.extend_from_slice(self.blocks[block].row_mut(row));
        }
        Vectors::from_rows(dims, values)
    }
}

impl Block {
    pub(super) fn dims(&self) -> usize {
        self.dims
    }

    pub(super) fn row_mut(&mut self, row: u32) -> &mut [f32] {
        let at = row as usize * self.dims;
        &mut self.values[at..at + self.dims]
    }
}
