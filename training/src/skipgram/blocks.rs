use trolley_model::kernel::{LANES, dot};
use trolley_model::{Item, Vectors};

use crate::random::Random;

/// Number of blocks of each table. Constant, so that the result does not depend on the number of threads. It bounds the
/// number of threads that write at once.
pub(super) const BLOCKS: usize = 16;

/// A table of vectors, in blocks. Item i is row i / BLOCKS of block i % BLOCKS, so that each block has a similar share
/// of bestsellers.
pub(super) struct EmbeddingTable {
    dims: usize,
    /// Lanes per row. Rows are padded with zeros, which stay zero.
    width: usize,
    pub(super) blocks: Vec<Block>,
}

/// One block of a table.
pub(super) struct Block {
    width: usize,
    values: Vec<[f32; LANES]>,
    /// Per row, the sum of the mean squares of its gradients so far.
    squares: Vec<f32>,
}

/// The block of an item and its row in it.
pub(super) fn place(item: Item) -> (usize, u32) {
    (item.index() % BLOCKS, item.0 / BLOCKS as u32)
}

impl EmbeddingTable {
    pub(super) fn zeros(items: usize, dims: usize) -> Self {
        let width = dims.div_ceil(LANES);
        let rows = |block: usize| (items + BLOCKS - 1 - block) / BLOCKS;
        let block =
            |block| Block { width, values: vec![[0.0; LANES]; rows(block) * width], squares: vec![0.0; rows(block)] };
        Self { dims, width, blocks: (0..BLOCKS).map(block).collect() }
    }

    /// Uniform in ±1/(2 dims), as in word2vec.
    pub(super) fn random(items: usize, dims: usize, seed: u64) -> Self {
        let mut table = Self::zeros(items, dims);
        for (number, block) in table.blocks.iter_mut().enumerate() {
            let mut random = Random::new(seed, &[0, number as u64]);
            for row in block.values.chunks_exact_mut(table.width) {
                row.as_flattened_mut()[..dims].fill_with(|| (random.unit() - 0.5) / dims as f32);
            }
        }
        table
    }

    /// Lanes per row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn row(&self, item: Item) -> &[[f32; LANES]] {
        let (block, row) = place(item);
        let at = row as usize * self.width;
        &self.blocks[block].values[at..at + self.width]
    }

    pub(super) fn into_vectors(self, items: usize) -> Vectors {
        let mut values = Vec::with_capacity(items * self.dims);
        for item in (0..items as u32).map(Item) {
            values.extend_from_slice(&self.row(item).as_flattened()[..self.dims]);
        }
        Vectors::from_rows(self.dims, values)
    }
}

impl Block {
    /// Applies the gradients of block `number` in their order. A row's step size decreases with its gradients so far
    /// (Adagrad, Duchi et al. 2011, with one number per row). So bestsellers, which have many gradients per batch, stay
    /// stable, and slow sellers still learn.
    pub(super) fn descend<'a>(&mut self, number: usize, all: impl Iterator<Item = &'a Gradients>, rate: f32) {
        let dims = (self.width * LANES) as f32;
        for gradients in all {
            for &(row, at) in &gradients.rows[number] {
                let gradient = &gradients.values[at as usize * self.width..][..self.width];
                let gradient = gradient.as_flattened();
                let square = dot(gradient, gradient) / dims;
                if square > 0.0 {
                    let squares = &mut self.squares[row as usize];
                    *squares += square;
                    let at = row as usize * self.width;
                    let row = self.values[at..at + self.width].as_flattened_mut();
                    trolley_model::kernel::add_scaled(row, rate / squares.sqrt(), gradient);
                }
            }
        }
    }
}

/// Gradients of a table's rows, in the order in which they are added.
#[derive(Default)]
pub(super) struct Gradients {
    /// Per block: the row, and the position of its gradient.
    pub(super) rows: [Vec<(u32, u32)>; BLOCKS],
    pub(super) values: Vec<[f32; LANES]>,
}

impl Gradients {
    pub(super) fn clear(&mut self) {
        self.rows.iter_mut().for_each(Vec::clear);
        self.values.clear();
    }

    /// Appends zeros for the gradients of some items, and returns them.
    pub(super) fn of(&mut self, items: &[Item], width: usize) -> &mut [[f32; LANES]] {
        let before = self.values.len();
        for (&item, at) in items.iter().zip(before / width..) {
            let (block, row) = place(item);
            self.rows[block].push((row, at as u32));
        }
        self.values.resize(before + items.len() * width, [0.0; LANES]);
        &mut self.values[before..]
    }
}
