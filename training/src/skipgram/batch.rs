use trolley_model::Item;
use trolley_model::kernel::{LANES, add_products, sigmoids, transpose};

use super::blocks::{EmbeddingTable, Gradients};
use super::negatives::Negatives;
use crate::baskets::BasketSample;
use crate::random::Random;

/// Maximum number of items of a basket that are learned together. A larger basket is split at random, anew in each
/// epoch.
const LONGEST: usize = 128;

/// Number of baskets that share their negatives, which divides the cost of drawing, fetching and updating them.
const SHARING: usize = 4;

/// The loss is measured on one in this many of those groups.
const WATCHED: usize = 8;

/// What a batch is sampled from.
pub(super) struct Draw<'a> {
    pub(super) baskets: BasketSample<'a>,
    /// Number of learned items.
    pub(super) learned: usize,
    pub(super) keep: &'a [f32],
    pub(super) negatives: &'a Negatives,
    /// Number of negatives that the pairs of [`SHARING`] baskets share.
    pub(super) shared: usize,
    /// Total weight of a center's negatives; that of its positives is 1.
    pub(super) weight: f32,
}

/// Rows of the output table that are multiplied by the centers, and buffers.
#[derive(Default)]
struct Others {
    rows: Vec<[f32; LANES]>,
    /// The rows, transposed.
    columns: Vec<[f32; LANES]>,
    sigmoids: Vec<[f32; LANES]>,
    weights: Vec<f32>,
    turned: Vec<f32>,
}

impl Others {
    fn fetch(&mut self, output: &EmbeddingTable, items: &[Item]) {
        self.rows.clear();
        items.iter().for_each(|&item| self.rows.extend_from_slice(output.row(item)));
        self.columns.resize(output.width() * LANES * items.len().div_ceil(LANES), [0.0; LANES]);
        transpose(&self.rows, output.width(), &mut self.columns);
    }

    /// With the score s = input · output and the label y (1 for a positive, 0 for a negative), the loss -log
    /// sigmoid(±s) has the negative gradient (y - sigmoid(s)) · output for the input row, and (y - sigmoid(s)) · input
    /// for the output row. For all pairs of some centers and others at once, these are products of small matrices.
    /// `weigh` returns (y - sigmoid) times the weight of the pair, by center, other and sigmoid.
    fn learn(
        &mut self,
        centers: &[[f32; LANES]],
        width: usize,
        mut weigh: impl FnMut(usize, usize, f32) -> f32,
        of_centers: &mut [[f32; LANES]],
        of_others: &mut [[f32; LANES]],
    ) {
        let (n, others) = (centers.len() / width, self.rows.len() / width);
        let across = others.div_ceil(LANES);
        self.sigmoids.clear();
        self.sigmoids.resize(n * across, [0.0; LANES]);
        add_products(&mut self.sigmoids, centers.as_flattened(), &self.columns, across);
        sigmoids(self.sigmoids.as_flattened_mut());
        self.weights.clear();
        self.turned.resize(n * others, 0.0);
        for (i, sigmoids) in self.sigmoids.chunks_exact(across.max(1)).enumerate() {
            let sigmoids = sigmoids.as_flattened()[..others].iter().enumerate();
            self.weights.extend(sigmoids.map(|(j, &sigmoid)| weigh(i, j, sigmoid)));
            let turned = self.turned[i..].iter_mut().step_by(n);
            turned.zip(&self.weights[i * others..]).for_each(|(turned, weight)| *turned = *weight);
        }
        add_products(of_centers, &self.weights, &self.rows, width);
        add_products(of_others, &self.turned, centers, width);
    }
}

/// Gradients of a few baskets, with reusable buffers.
#[derive(Default)]
pub(super) struct Group {
    pub(super) input: Gradients,
    pub(super) output: Gradients,
    pub(super) loss: f64,
    pub(super) watched: f64,
    centers: Vec<[f32; LANES]>,
    together: Others,
    apart: Others,
    of_negatives: Vec<[f32; LANES]>,
}

impl Group {
    /// Computes the gradients of some baskets. The tables do not change.
    pub(super) fn learn(
        &mut self,
        input: &EmbeddingTable,
        output: &EmbeddingTable,
        draw: &Draw<'_>,
        chunk: &[u32],
        random: &mut Random,
    ) {
        self.input.clear();
        self.output.clear();
        (self.loss, self.watched) = (0.0, 0.0);
        for (number, sharing) in chunk.chunks(SHARING).enumerate() {
            let negatives: Vec<Item> = (0..draw.shared).map(|_| draw.negatives.draw(random)).collect();
            self.apart.fetch(output, &negatives);
            self.of_negatives.clear();
            self.of_negatives.resize(draw.shared * output.width(), [0.0; LANES]);
            for &basket in sharing {
                let lines = draw.baskets.learned_items(basket, draw.learned);
                let keep = |&&item: &&Item| {
                    let keep = draw.keep[item.index()];
                    keep >= 1.0 || random.unit() < keep
                };
                let mut kept: Vec<Item> = lines.iter().filter(keep).copied().collect();
                if kept.len() > LONGEST {
                    random.shuffle(&mut kept);
                }
                let part = kept.len().div_ceil(kept.len().div_ceil(LONGEST).max(1)).max(1);
                for part in kept.chunks(part).filter(|part| part.len() > 1) {
                    self.basket(input, output, draw, part, number % WATCHED == 0);
                }
            }
            self.output.of(&negatives, output.width()).copy_from_slice(&self.of_negatives);
        }
    }

    fn basket(
        &mut self,
        input: &EmbeddingTable,
        output: &EmbeddingTable,
        draw: &Draw<'_>,
        lines: &[Item],
        watched: bool,
    ) {
        let (n, width) = (lines.len(), input.width());
        self.centers.clear();
        lines.iter().for_each(|&item| self.centers.extend_from_slice(input.row(item)));
        self.together.fetch(output, lines);
        let (positive, negative) = (1.0 / (n - 1) as f32, draw.weight / draw.shared.max(1) as f32);
        let (of_centers, of_others) = (self.input.of(lines, width), self.output.of(lines, width));
        let mut loss = |likely: f32, weight: f32| {
            if watched {
                self.loss += f64::from(-likely.max(1e-9).ln() * weight);
            }
        };
        let together = |i: usize, j: usize, sigmoid: f32| {
            if i == j {
                return 0.0;
            }
            loss(sigmoid, positive);
            positive * (1.0 - sigmoid)
        };
        self.together.learn(&self.centers, width, together, of_centers, of_others);
        let apart = |_: usize, _: usize, sigmoid: f32| {
            loss(1.0 - sigmoid, negative);
            -negative * sigmoid
        };
        self.apart.learn(&self.centers, width, apart, of_centers, &mut self.of_negatives);
        if watched {
            self.watched += f64::from(1.0 + draw.weight) * n as f64;
        }
    }
}
