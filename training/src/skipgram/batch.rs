use trolley_model::kernel::{LANES, add_products, products, sigmoids};

use super::blocks::{BLOCKS, Table, place};
use super::negatives::Negatives;
use crate::baskets::Baskets;
use crate::random::Random;

/// Lines of a basket that are learned together: a longer one is dealt into parts at random, anew in each pass.
const LONGEST: usize = 128;

/// One in so many baskets is looked at for the loss.
const WATCHED: usize = 32;

/// What is drawn, and from where.
pub(super) struct Draw<'a> {
    pub(super) baskets: &'a Baskets,
    pub(super) keep: &'a [f32],
    pub(super) negatives: &'a Negatives,
    /// Negatives that the pairs of a basket share.
    pub(super) shared: usize,
    /// What all negatives of a center weigh together; its positives weigh 1.
    pub(super) weight: f32,
}

/// Gradients of a table's rows, in the order in which they came, by block.
#[derive(Default)]
pub(super) struct Gradients {
    pub(super) rows: [Vec<u32>; BLOCKS],
    pub(super) values: [Vec<[f32; LANES]>; BLOCKS],
}

impl Gradients {
    fn clear(&mut self) {
        self.rows.iter_mut().for_each(Vec::clear);
        self.values.iter_mut().for_each(Vec::clear);
    }

    fn push(&mut self, items: &[u32], values: &[[f32; LANES]], width: usize) {
        for (&item, values) in items.iter().zip(values.chunks_exact(width)) {
            let (block, row) = place(item);
            self.rows[block].push(row);
            self.values[block].extend_from_slice(values);
        }
    }
}

/// What a few baskets ask of the tables, and the space to work it out; used again and again.
#[derive(Default)]
pub(super) struct Group {
    pub(super) input: Gradients,
    pub(super) output: Gradients,
    pub(super) loss: f64,
    pub(super) watched: f64,
    /// The lines, then the negatives.
    items: Vec<u32>,
    centers: Vec<[f32; LANES]>,
    others: Vec<[f32; LANES]>,
    weights: Vec<f32>,
    turned: Vec<f32>,
    sums: Vec<[f32; LANES]>,
}

impl Group {
    /// The gradients of some baskets, with the tables as they are.
    pub(super) fn learn(&mut self, input: &Table, output: &Table, draw: &Draw<'_>, chunk: &[u32], random: &mut Random) {
        self.input.clear();
        self.output.clear();
        (self.loss, self.watched) = (0.0, 0.0);
        for (number, &basket) in chunk.iter().enumerate() {
            let lines = draw.baskets.learned_items(basket as usize);
            let keep = |&&item: &&u32| {
                let keep = draw.keep[item as usize];
                keep >= 1.0 || random.unit() < keep
            };
            let mut kept: Vec<u32> = lines.iter().filter(keep).copied().collect();
            if kept.len() > LONGEST {
                random.shuffle(&mut kept);
            }
            let part = kept.len().div_ceil(kept.len().div_ceil(LONGEST).max(1)).max(1);
            for part in kept.chunks(part).filter(|part| part.len() > 1) {
                self.basket(input, output, draw, part, random, number % WATCHED == 0);
            }
        }
    }

    /// With score s = input · output and label y (1 for together, 0 for a negative), the loss -log sigmoid(±s) has the
    /// gradient (y - sigmoid(s)) · output for the input row, and the same the other way round: for all pairs of a
    /// basket at once, these are products of small matrices.
    fn basket(
        &mut self,
        input: &Table,
        output: &Table,
        draw: &Draw<'_>,
        lines: &[u32],
        random: &mut Random,
        watched: bool,
    ) {
        let (n, columns, width) = (lines.len(), lines.len() + draw.shared, input.width());
        self.items.clear();
        self.items.extend_from_slice(lines);
        self.items.extend((0..draw.shared).map(|_| draw.negatives.draw(random)));
        self.centers.clear();
        lines.iter().for_each(|&item| self.centers.extend_from_slice(input.row(item)));
        self.others.clear();
        self.items.iter().for_each(|&item| self.others.extend_from_slice(output.row(item)));

        self.weights.clear();
        self.weights.resize(n * columns, 0.0);
        products(&self.centers, &self.others, width, &mut self.weights);
        sigmoids(&mut self.weights);
        let (positive, negative) = (1.0 / (n - 1) as f32, draw.weight / draw.shared.max(1) as f32);
        self.turned.clear();
        self.turned.resize(n * columns, 0.0);
        for (i, row) in self.weights.chunks_exact_mut(columns).enumerate() {
            if watched {
                let loss = |(j, &sigmoid): (usize, &f32)| {
                    let (likely, weight) = if j < n { (sigmoid, positive) } else { (1.0 - sigmoid, negative) };
                    if j == i { 0.0 } else { f64::from(-likely.max(1e-9).ln() * weight) }
                };
                self.loss += row.iter().enumerate().map(loss).sum::<f64>();
                self.watched += f64::from(1.0 + draw.weight);
            }
            let (together, apart) = row.split_at_mut(n);
            together.iter_mut().for_each(|value| *value = positive * (1.0 - *value));
            together[i] = 0.0;
            apart.iter_mut().for_each(|value| *value *= -negative);
            for (turned, value) in self.turned[i..].iter_mut().step_by(n).zip(row) {
                *turned = *value;
            }
        }

        self.sums.clear();
        self.sums.resize(n * width, [0.0; LANES]);
        add_products(&mut self.sums, &self.weights, &self.others, width);
        self.input.push(lines, &self.sums, width);
        self.sums.clear();
        self.sums.resize(columns * width, [0.0; LANES]);
        add_products(&mut self.sums, &self.turned, &self.centers, width);
        self.output.push(&self.items, &self.sums, width);
    }
}
