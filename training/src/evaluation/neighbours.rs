//! Two published methods for the next basket that look at what similar customers buy: TIFU-KNN (Hu et al. 2020, "Modeling
//! Personalized Item Frequency Information for Next-basket Recommendation") and UP-CF (Faggioli et al. 2020, "Recency
//! Aware Collaborative Filtering for Next Basket Recommendation").
//!
//! Both compare all customers with all customers; above [`MOST_CUSTOMERS`] they stay out of the contests.

use rayon::prelude::*;
use trolley_model::{Model, Top};

use super::baselines::best;
use super::case::Case;
use super::numbering::Numbering;
use crate::input::Transactions;

/// More customers than this are not compared.
pub(super) const MOST_CUSTOMERS: usize = 50_000;

/// Neighbours per customer.
const NEIGHBOURS: usize = 300;

/// TIFU-KNN: a customer's baskets are put into so many groups, those of a group and the groups are weighed by these
/// rates, and the customer's own vector counts for so much beside the neighbours'.
const GROUPS: usize = 7;
const WITHIN_GROUP: f32 = 0.9;
const BETWEEN_GROUPS: f32 = 0.7;
const OWN_SHARE: f32 = 0.7;

/// UP-CF: the last so many baskets count, the larger history of a pair weighs so much in their similarity, and
/// similarities are raised to this power.
const WINDOW: usize = 25;
const ASYMMETRY: f32 = 0.25;
const LOCALITY: i32 = 5;

/// A sparse vector over items, rising.
type Sparse = Vec<(u32, f32)>;

/// All customers' vectors of one method, and their neighbours with the weight of each.
struct Method {
    vectors: Vec<Sparse>,
    neighbours: Vec<Vec<(u32, f32)>>,
    own_share: f32,
}

/// Both methods on the baskets that a model was fitted on.
pub(super) struct Neighbours {
    tifu: Method,
    up_cf: Method,
}

impl Neighbours {
    /// `baskets` are those that the model was fitted on; `None` if there are too many customers or none.
    pub(super) fn new(
        model: &Model,
        transactions: &Transactions,
        baskets: impl Iterator<Item = usize>,
    ) -> Option<Self> {
        let customers = model.histories().customers().len();
        if customers == 0 || customers > MOST_CUSTOMERS {
            return None;
        }
        let numbering = Numbering::new(transactions, model);
        let mut of_customer: Vec<Vec<Vec<u32>>> = vec![Vec::new(); customers];
        for basket in baskets {
            if let Some(customer) = numbering.customer(transactions.baskets[basket].customer) {
                of_customer[customer as usize].push(numbering.items(transactions.items_of(basket)));
            }
        }
        Some(Self { tifu: tifu(model, &of_customer), up_cf: up_cf(model, &of_customer) })
    }

    pub(super) fn tifu_knn(&self, model: &Model, case: &Case, k: usize) -> Vec<u32> {
        self.tifu.answer(model, case, k)
    }

    pub(super) fn up_cf(&self, model: &Model, case: &Case, k: usize) -> Vec<u32> {
        self.up_cf.answer(model, case, k)
    }
}

fn tifu(model: &Model, of_customer: &[Vec<Vec<u32>>]) -> Method {
    let vector = |baskets: &Vec<Vec<u32>>| {
        let size = baskets.len().div_ceil(GROUPS).max(1);
        // Counted from the last group, which is full, so that the oldest may be short.
        let groups = baskets.len().div_ceil(size).max(1);
        let terms = baskets.iter().rev().enumerate().flat_map(|(age, items)| {
            let (group, within) = (age / size, age % size);
            let members = size.min(baskets.len() - group * size);
            let weight = WITHIN_GROUP.powi(within as i32) * BETWEEN_GROUPS.powi(group as i32);
            items.iter().map(move |&item| (item, weight / (members * groups) as f32))
        });
        summed(terms.collect())
    };
    let vectors: Vec<Sparse> = of_customer.par_iter().map(vector).collect();
    let lengths: Vec<f32> = vectors.iter().map(|vector| vector.iter().map(|(_, x)| x * x).sum()).collect();
    // Nearest by Euclidean distance; all neighbours weigh the same.
    let closeness = |a: usize, b: usize, product: f32| 2.0 * product - lengths[a] - lengths[b];
    let mut neighbours = neighbours(model, &vectors, closeness);
    for list in &mut neighbours {
        let weight = 1.0 / list.len().max(1) as f32;
        list.iter_mut().for_each(|(_, w)| *w = weight);
    }
    Method { vectors, neighbours, own_share: OWN_SHARE }
}

fn up_cf(model: &Model, of_customer: &[Vec<Vec<u32>>]) -> Method {
    let presence = |baskets: &Vec<Vec<u32>>| {
        summed(baskets.iter().flatten().map(|&item| (item, 0.0)).collect())
            .into_iter()
            .map(|(item, _)| (item, 1.0))
            .collect()
    };
    let sets: Vec<Sparse> = of_customer.iter().map(presence).collect();
    let similarity = |a: usize, b: usize, product: f32| {
        product / ((sets[a].len() as f32).powf(ASYMMETRY) * (sets[b].len() as f32).powf(1.0 - ASYMMETRY)).max(1.0)
    };
    let mut neighbours = neighbours(model, &sets, similarity);
    for list in &mut neighbours {
        list.iter_mut().for_each(|(_, similarity)| *similarity = similarity.powi(LOCALITY));
    }
    let popularity = |baskets: &Vec<Vec<u32>>| {
        let last = &baskets[baskets.len().saturating_sub(WINDOW)..];
        summed(last.iter().flatten().map(|&item| (item, 1.0 / last.len() as f32)).collect())
    };
    Method { vectors: of_customer.iter().map(popularity).collect(), neighbours, own_share: 0.0 }
}

impl Method {
    fn answer(&self, model: &Model, case: &Case, k: usize) -> Vec<u32> {
        let Some(customer) = case.customer else { return best(model, case, k, std::iter::empty()) };
        let mut scores = vec![0.0; model.catalogue().items().len()];
        for &(item, value) in &self.vectors[customer as usize] {
            scores[item as usize] += self.own_share * value;
        }
        for &(neighbour, weight) in &self.neighbours[customer as usize] {
            for &(item, value) in &self.vectors[neighbour as usize] {
                scores[item as usize] += (1.0 - self.own_share) * weight * value;
            }
        }
        let scored = scores.iter().enumerate().filter(|(_, score)| **score > 0.0);
        best(model, case, k, scored.map(|(item, &score)| (item as u32, score)))
    }
}

/// Sums up the values of each item, rising.
fn summed(mut terms: Sparse) -> Sparse {
    terms.sort_unstable_by_key(|&(item, _)| item);
    terms.chunk_by(|a, b| a.0 == b.0).map(|same| (same[0].0, same.iter().map(|(_, value)| value).sum())).collect()
}

/// For each customer the others of the highest similarity, which is reckoned from the inner product of the vectors.
fn neighbours(
    model: &Model,
    vectors: &[Sparse],
    similarity: impl Fn(usize, usize, f32) -> f32 + Sync,
) -> Vec<Vec<(u32, f32)>> {
    let mut holders: Vec<Sparse> = vec![Vec::new(); model.catalogue().items().len()];
    for (customer, vector) in vectors.iter().enumerate() {
        vector.iter().for_each(|&(item, value)| holders[item as usize].push((customer as u32, value)));
    }
    let of = |products: &mut Vec<f32>, a: usize| {
        products.clear();
        products.resize(vectors.len(), 0.0);
        for &(item, value) in &vectors[a] {
            for &(b, other) in &holders[item as usize] {
                products[b as usize] += value * other;
            }
        }
        let mut top = Top::new(NEIGHBOURS);
        for (b, &product) in products.iter().enumerate().filter(|&(b, _)| b != a) {
            top.push(similarity(a, b, product), b as u32);
        }
        top.into_sorted()
    };
    (0..vectors.len()).into_par_iter().map_init(Vec::new, of).collect()
}
